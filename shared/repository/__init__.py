"""The backup format: write-once segments, manifests written last, and everything that reads, checks and expires them.

docs/repository-format.md is the specification. What other parts call, by module:

    store        BlobStore (Protocol), BlobProperties, BlobEntry
    azure_store  AzureBlobStore.vault / .workspace         lawful_store  LawfulStore(inner)        memory_store  MemoryBlobStore
    format       initialise(store), check_format(store)
    segments     SegmentWriter(type, "objects"|"links"): put_object put_removed put_link put_unlink is_full finish() -> SegmentDraft
                 store_segment(store, tenant_id, draft) -> SegmentRef
    manifest     Manifest, TypeEntry, Layer, SegmentRef, Coverage; .as_json() / .from_json()
    sealing      seal(store, draft_manifest) -> Manifest (sealed)
    restore_point  RestorePoint.open(store, tenant_id, backup_id | "latest"); list_manifests(store, tenant_id); .view(type)
    view         TypeView: objects() links() objects_by_id(ids) links_of(id) locate(ids) state()
    comparison   compare(view_a, view_b) -> Comparison: counts, objects(), links()
    verification verify(store, tenant_id, backup_id); segments_to_verify / verify_segments / verify_chain for slices
    expiry       expire(store, tenant_id, now)
    compaction   needs_compaction(layers), compact(view, store) -> Layer
    tokens       TokenCipher (Protocol), LocalTokenCipher(key_file), KeyVaultTokenCipher(key_url, credential)

Nothing here knows Graph, tasks or Azure Functions.
"""
