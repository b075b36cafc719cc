"""Azurite as a part of the local stack: apart from Cairn, found again, ended gently."""

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from local import azurite as azurite_process
from local import children
from local.azurite import Azurite
from local.errors import LocalStackError
from local.ports import free_ports, is_free, need_free


def write_row(azurite: Azurite, key: str) -> None:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        table = service.create_table_if_not_exists("laws")
        table.upsert_entity({"PartitionKey": "p", "RowKey": key})


def rows(azurite: Azurite) -> list[str]:
    with TableServiceClient.from_connection_string(azurite.connection_string) as service:
        return [row["RowKey"] for row in service.get_table_client("laws").list_entities()]


def test_blobs_and_tables_answer_to_the_current_clients(azurite: Azurite) -> None:
    with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        container = service.create_container("azurite-answers")
        container.upload_blob("greeting", b"hello")
        assert container.download_blob("greeting").readall() == b"hello"
    write_row(azurite, "one")
    assert "one" in rows(azurite)


def test_the_well_known_development_key_is_refused(azurite: Azurite) -> None:
    well_known = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    credential = {"account_name": "cairnlocal", "account_key": well_known}
    with (
        BlobServiceClient(azurite.blob_endpoint, credential=credential) as service,
        pytest.raises(HttpResponseError),
    ):
        list(service.list_containers(retry_total=0))


def test_it_listens_on_loopback_only(azurite: Azurite) -> None:
    listening = [c.laddr.ip for c in azurite.process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert len(listening) == 3
    assert set(listening) == {"127.0.0.1"}


def test_the_account_key_is_readable_by_its_owner_only(azurite: Azurite) -> None:
    assert stat.S_IMODE((azurite.folder / "azurite.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(azurite.folder.stat().st_mode) == 0o700


def test_it_runs_in_a_session_of_its_own(azurite: Azurite) -> None:
    assert os.getsid(azurite.process.pid) == azurite.process.pid != os.getsid(0)


def test_a_second_start_adopts_the_living_one(azurite: Azurite) -> None:
    again = azurite_process.start(azurite.folder)
    assert (again.process.pid, again.connection_string) == (azurite.process.pid, azurite.connection_string)


def test_the_living_one_is_found_without_its_pid_file(azurite: Azurite) -> None:
    pid_file = azurite.folder / "azurite.pid"
    noted = pid_file.read_text()
    pid_file.unlink()
    try:
        assert azurite_process.start(azurite.folder).process.pid == int(noted)
    finally:
        pid_file.write_text(noted)


def test_what_was_written_survives_a_stop_and_a_start_with_ports_and_key(tmp_path: Path) -> None:
    first = azurite_process.start(tmp_path)
    write_row(first, "kept")
    azurite_process.stop(first)
    assert not first.process.is_running()
    assert not (tmp_path / "azurite.pid").exists()
    second = azurite_process.start(tmp_path)
    try:
        assert second.connection_string == first.connection_string
        assert rows(second) == ["kept"]
    finally:
        azurite_process.stop(second)


def test_a_pid_file_that_names_a_stranger_harms_nobody(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (tmp_path / "azurite.pid").write_text(str(stranger.pid))
        started = azurite_process.start(tmp_path)
        try:
            assert started.process.pid != stranger.pid
        finally:
            azurite_process.stop(started)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_one_that_hangs_is_ended_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azurite_process, "STOP_SECONDS", 1.0)
    hung = azurite_process.start(tmp_path)
    hung.process.suspend()
    fresh = azurite_process.start(tmp_path)
    try:
        assert fresh.process.pid != hung.process.pid
        assert not hung.process.is_running()
    finally:
        monkeypatch.undo()
        azurite_process.stop(fresh)


def test_a_kept_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    blob, queue, table = free_ports(3)
    (tmp_path / "azurite.json").write_text(f'{{"blob": {blob}, "queue": {queue}, "table": {table}}}')
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", table))
        squatter.listen()
        started = azurite_process.start(tmp_path)
        try:
            assert started.ports.table != table
            write_row(started, "elsewhere")
        finally:
            azurite_process.stop(started)


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    log, pid_file = tmp_path / "log", tmp_path / "pid"
    child = children.start([sys.executable, "-c", deaf], log=log, environment=os.environ, pid_file=pid_file)
    while "deaf" not in log.read_text():
        time.sleep(0.01)
    assert not children.end(child, pid_file, wait_seconds=0.5)
    assert not child.is_running()
    assert not pid_file.exists()


def test_a_taken_port_is_named_with_its_purpose() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(LocalStackError, match=rf"port {port} \(the portal\) is taken"):
            need_free(port, "the portal")
