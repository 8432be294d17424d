-- One row per error event. The key holds only what never changes: `group_id` stays outside of it, so that merging and
-- deleting an issue are small patches and not rewritten parts. Sort key, granularity and the two text indexes were
-- chosen by measurement against day-first keys, granularity 8192, JSON columns and bloom filters over hashes.
-- `tag_pairs` answers `key = value` and must be queried with the very expression that it indexes.
-- `group_ids` skips the granules of other issues: inside a project rows are ordered by hash, not by issue.
-- Adaptive write buffers: with fixed ones, merging five weeks at once was counted as 860 MB, and inserts were refused
-- for want of memory; with these it is 230 MB, at the same speed.
-- Merged parts are synced before their sources go: 0005.
CREATE TABLE IF NOT EXISTS errors@ON_CLUSTER@
(
    project_id       UInt64,
    group_id         UInt64,
    primary_hash     UUID,
    timestamp        DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at      DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    event_id         UUID,
    batch_id         UInt64 CODEC(Delta(8), ZSTD(1)),
    type             LowCardinality(String),
    platform         LowCardinality(String),
    level            LowCardinality(String),
    logger           LowCardinality(String),
    environment      LowCardinality(String),
    release          LowCardinality(String),
    dist             LowCardinality(String),
    transaction      String CODEC(ZSTD(1)),
    title            String CODEC(ZSTD(1)),
    culprit          String CODEC(ZSTD(1)),
    location         String CODEC(ZSTD(1)),
    message          String CODEC(ZSTD(1)),
    user             String CODEC(ZSTD(1)),
    user_id          String CODEC(ZSTD(1)),
    user_email       String CODEC(ZSTD(1)),
    user_name        String CODEC(ZSTD(1)),
    user_ip          String CODEC(ZSTD(1)),
    sdk_name         LowCardinality(String),
    sdk_version      LowCardinality(String),
    trace_id         String CODEC(ZSTD(1)),
    span_id          String CODEC(ZSTD(1)),
    handled          Nullable(Bool),
    exception_types  Array(LowCardinality(String)),
    exception_values Array(String) CODEC(ZSTD(1)),
    frame_filenames  Array(LowCardinality(String)),
    frame_functions  Array(LowCardinality(String)),
    tags             Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    error_count      UInt32,
    payload          String CODEC(ZSTD(3)),

    INDEX event_ids event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX group_ids group_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX title_words lowerUTF8(title) TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX tag_pairs arrayMap((k, v) -> concat(k, '=', v), mapKeys(tags), mapValues(tags)) TYPE text(tokenizer = 'array')
)
ENGINE = @MERGE_TREE@
PARTITION BY toMonday(timestamp)
ORDER BY (project_id, primary_hash, timestamp)
SETTINGS
    index_granularity = 1024,
    enable_block_number_column = 1,
    enable_block_offset_column = 1,
    map_serialization_version = 'with_buckets',
    map_serialization_version_for_zero_level_parts = 'basic',
    map_buckets_min_avg_size = 4,
    min_columns_to_activate_adaptive_write_buffer = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    @DEDUPLICATION@;
