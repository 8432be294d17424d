-- One row per span, and one per transaction itself (`is_segment`), so that a trace is one question. Spans live here
-- and nowhere else: the payload of a transaction is stored without them. `timestamp` is the end of the transaction, so
-- that a transaction and its spans lie in one partition and are dropped, replaced and completed together; ordered as
-- transactions are, because charts ask for one name. `details` is what only the page of one span reads.
CREATE TABLE IF NOT EXISTS spans@ON_CLUSTER@
(
    project_id      UInt64,
    event_id        UUID,
    batch_id        UInt64 CODEC(Delta(8), ZSTD(1)),
    timestamp       DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    transaction     String CODEC(ZSTD(1)),
    environment     LowCardinality(String),
    release         LowCardinality(String),
    trace_id        String CODEC(ZSTD(1)),
    span_id         String CODEC(ZSTD(1)),
    parent_span_id  String CODEC(ZSTD(1)),
    is_segment      Bool,
    started_at      DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    duration_us     UInt64 CODEC(T64, ZSTD(1)),
    exclusive_us    UInt64 CODEC(T64, ZSTD(1)),
    op              LowCardinality(String),
    status          LowCardinality(String),
    description     String CODEC(ZSTD(1)),
    raw_description String CODEC(ZSTD(1)),
    group_hash      String CODEC(ZSTD(1)),
    details         String CODEC(ZSTD(3)),

    INDEX event_ids event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX trace_ids trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = @MERGE_TREE@
PARTITION BY toMonday(timestamp)
ORDER BY (project_id, transaction, timestamp)
SETTINGS
    index_granularity = 4096,
    enable_block_number_column = 1,
    enable_block_offset_column = 1,
    min_columns_to_activate_adaptive_write_buffer = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    @DEDUPLICATION@;
