"""The backup format: write-once segments, manifests written last, and all that reads, checks and expires them.

docs/repository-format.md is the specification. What other parts call, by module:

    store          BlobStore (Protocol), BlobProperties, BlobEntry, at_once
    azure_store    open_vault(location, container, immutability=…), open_workspace(…), create_container(…)
    lawful_store   LawfulStore(inner): the write-once law where the service has none
    memory_store   MemoryBlobStore
    format         initialise(store), check_format(store)
    records        object_hash16(type, id, body), id16, link16, canonical
    segments       SegmentWriter(type, "objects" | "links"): put_object, put_removed, put_link, put_unlink, is_full,
                   finish() -> SegmentDraft; store_segment(store, tenant_id, draft) -> SegmentRef
    retention      put_same(store, name, content, retain_until=…): write-once, safe to repeat
    coverage       store_coverage(store, tenant_id, entries) -> Coverage; read_coverage
    manifest       Manifest, TypeEntry (.carried), Layer, SegmentRef, Coverage, each to JSON and back
    sealing        seal(store, draft) -> Manifest; find_sealed; named_blobs(manifest)
    chain          list_manifests (newest first), read_manifest, manifest_numbers, newest_number
    restore_point  RestorePoint.open(store, tenant_id, id | "latest"), .view(type), .dangling_links()
    view           TypeView(store, tenant_id, type, layers): objects, links, object_batches, link_batches,
                   objects_by_id, links_of, hashes_of, count
    view_state     ViewState.of(view): meet(page of ids), unmet(): what a fresh read changes
    comparison     compare(before, after) -> Comparison: exact counts, objects(), links()
    verification   verify; or segments_to_verify, then verify_segments on parts, verify_coverage and verify_chain
    expiry         expire(store, tenant_id, now) -> ExpiryReport
    compaction     needs_compaction(layers), compact(view, store) -> Layer
    tokens         TokenCipher (Protocol), LocalTokenCipher(key_file), KeyVaultTokenCipher(key_url, credential)

Nothing here knows Graph, tasks or Azure Functions.
"""
