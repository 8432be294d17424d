-- One row per transaction. Weekly partitions as for errors, so that retention drops whole ones; ordered by name,
-- because every list and chart of transactions asks for some of them.
CREATE TABLE IF NOT EXISTS transactions@ON_CLUSTER@
(
    project_id     UInt64,
    event_id       UUID,
    batch_id       UInt64 CODEC(Delta(8), ZSTD(1)),
    started_at     DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    timestamp      DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    received_at    DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    transaction    String CODEC(ZSTD(1)),
    op             LowCardinality(String),
    status         LowCardinality(String),
    source         LowCardinality(String),
    duration_ms    Float64 CODEC(ZSTD(1)),
    trace_id       String CODEC(ZSTD(1)),
    span_id        String CODEC(ZSTD(1)),
    parent_span_id String CODEC(ZSTD(1)),
    platform       LowCardinality(String),
    environment    LowCardinality(String),
    release        LowCardinality(String),
    dist           LowCardinality(String),
    user           String CODEC(ZSTD(1)),
    sdk_name       LowCardinality(String),
    sdk_version    LowCardinality(String),
    span_count     UInt32,
    tags           Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    measurements   Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    payload        String CODEC(ZSTD(3)),

    INDEX event_ids event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX trace_ids trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = @MERGE_TREE@
PARTITION BY toMonday(timestamp)
ORDER BY (project_id, transaction, timestamp)
SETTINGS
    index_granularity = 2048,
    enable_block_number_column = 1,
    enable_block_offset_column = 1,
    map_serialization_version = 'with_buckets',
    map_serialization_version_for_zero_level_parts = 'basic',
    map_buckets_min_avg_size = 4,
    min_columns_to_activate_adaptive_write_buffer = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    @DEDUPLICATION@;
