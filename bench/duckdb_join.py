"""Run in the rivals' environment: DuckDB joins two restore points in full and scans one; prints what each cost.

The Parquet files of id and hash are made beforehand and not counted. Peaks are of the process so far, so the smallest
work runs first.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

JOIN = """
    select count(*) filter (where b.id is not null and a.id is not null and b.hash <> a.hash),
           count(*) filter (where b.id is null), count(*) filter (where a.id is null)
    from {before} b full join {after} a on b.id = a.id
"""
READ = "read_json({files}, format='newline_delimited', compression='zstd', columns={{id: 'VARCHAR', body: 'JSON'}})"


def main(folder: Path, files: dict[str, list[str]]) -> None:
    """Print wall, CPU and peak of each."""
    connection = duckdb.connect()
    for name, paths in files.items():
        parquet = folder / f"{name}.parquet"
        if not parquet.exists():
            rows = READ.format(files=paths)
            connection.execute(
                f"copy (select id, md5(body::varchar) as hash from {rows}) to '{parquet}.part' (format parquet)"
            )
            Path(f"{parquet}.part").replace(parquet)
    connection.close()
    connection = duckdb.connect()
    sides = {name: f"'{folder / name}.parquet'" for name in files}
    told = {"parquet": _timed(connection, JOIN.format(**sides))}
    sides = {
        name: f"(select id, body::varchar as hash from {READ.format(files=paths)})" for name, paths in files.items()
    }
    told["segments"] = _timed(connection, JOIN.format(**sides))
    some = f"select id, body from {READ.format(files=files['before'])} where hash(id) % 10000 = 0 order by id limit 100"
    told["scan"] = _timed(connection, some)
    print(json.dumps(told))


def _timed(connection, query: str) -> dict[str, object]:  # type: ignore[no-untyped-def]
    idle, cpu, began = _peak(), time.process_time(), time.perf_counter()
    rows = connection.execute(query).fetchall()
    return {
        "wallSeconds": round(time.perf_counter() - began, 3), "cpuSeconds": round(time.process_time() - cpu, 3),
        "peakAboveIdleMiB": round(_peak() - idle, 1), "counts": list(rows[0]) if len(rows) == 1 else len(rows),
    }  # fmt: skip


def _peak() -> float:
    # Not ru_maxrss: a child inherits that from whoever started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.stdin.read()))
