-- What sessions add up to: one row per digest batch, project, minute, release and environment, in the order in which it
-- is asked for. `batch_id` stays for a week, so that the replay of a batch can see which of its rows are there; then the
-- rows of a minute become one, and after 30 days those of an hour. Both happen in merges, and questions always sum up:
-- when it happens changes no answer.
-- Sets are states of uniqCombined64 (exact while they are small, at most 100 KB when they are not), made by the server
-- of the ids that are inserted: those columns keep nothing themselves.
CREATE TABLE IF NOT EXISTS sessions@ON_CLUSTER@
(
    project_id           UInt64,
    timestamp            DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    environment          LowCardinality(String),
    release              LowCardinality(String),
    batch_id             UInt64 CODEC(Delta(8), ZSTD(1)),
    written_at           DateTime('UTC') DEFAULT now() CODEC(Delta(4), ZSTD(1)),
    sessions             UInt64 CODEC(ZSTD(1)),
    crashed              UInt64 CODEC(ZSTD(1)),
    abnormal             UInt64 CODEC(ZSTD(1)),
    unhandled            UInt64 CODEC(ZSTD(1)),
    errored_preaggr      UInt64 CODEC(ZSTD(1)),
    duration_count       UInt64 CODEC(ZSTD(1)),
    duration_sum         Float64 CODEC(ZSTD(1)),
    duration_max         Float64 CODEC(ZSTD(1)),

    errored_sid_ids      Array(UInt64) EPHEMERAL,
    user_ids             Array(UInt64) EPHEMERAL,
    user_errored_ids     Array(UInt64) EPHEMERAL,
    user_crashed_ids     Array(UInt64) EPHEMERAL,
    user_abnormal_ids    Array(UInt64) EPHEMERAL,
    user_unhandled_ids   Array(UInt64) EPHEMERAL,
    user_anr_ids         Array(UInt64) EPHEMERAL,
    user_anr_fg_ids      Array(UInt64) EPHEMERAL,
    duration_values      Array(Float32) EPHEMERAL,

    errored_sids         AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', errored_sid_ids) CODEC(ZSTD(1)),
    users                AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_ids) CODEC(ZSTD(1)),
    users_errored        AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_errored_ids) CODEC(ZSTD(1)),
    users_crashed        AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_crashed_ids) CODEC(ZSTD(1)),
    users_abnormal       AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_abnormal_ids) CODEC(ZSTD(1)),
    users_unhandled      AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_unhandled_ids) CODEC(ZSTD(1)),
    users_anr            AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_anr_ids) CODEC(ZSTD(1)),
    users_anr_foreground AggregateFunction(uniqCombined64, UInt64)
        DEFAULT arrayReduce('uniqCombined64State', user_anr_fg_ids) CODEC(ZSTD(1)),
    durations            AggregateFunction(quantilesTDigest(0.5, 0.75, 0.9, 0.95, 0.99), Float32)
        DEFAULT arrayReduce('quantilesTDigestState(0.5, 0.75, 0.9, 0.95, 0.99)', duration_values) CODEC(ZSTD(1))
)
ENGINE = @MERGE_TREE@
PARTITION BY toMonday(timestamp)
PRIMARY KEY (project_id, toStartOfHour(timestamp), environment, release, timestamp)
ORDER BY (project_id, toStartOfHour(timestamp), environment, release, timestamp, batch_id)
TTL
    written_at + INTERVAL 7 DAY
        GROUP BY project_id, toStartOfHour(timestamp), environment, release, timestamp
        SET
            batch_id = max(batch_id),
            written_at = max(written_at),
            sessions = sum(sessions),
            crashed = sum(crashed),
            abnormal = sum(abnormal),
            unhandled = sum(unhandled),
            errored_preaggr = sum(errored_preaggr),
            duration_count = sum(duration_count),
            duration_sum = sum(duration_sum),
            duration_max = max(duration_max),
            errored_sids = uniqCombined64MergeState(errored_sids),
            users = uniqCombined64MergeState(users),
            users_errored = uniqCombined64MergeState(users_errored),
            users_crashed = uniqCombined64MergeState(users_crashed),
            users_abnormal = uniqCombined64MergeState(users_abnormal),
            users_unhandled = uniqCombined64MergeState(users_unhandled),
            users_anr = uniqCombined64MergeState(users_anr),
            users_anr_foreground = uniqCombined64MergeState(users_anr_foreground),
            durations = quantilesTDigestMergeState(0.5, 0.75, 0.9, 0.95, 0.99)(durations),
    written_at + INTERVAL 30 DAY
        GROUP BY project_id, toStartOfHour(timestamp), environment, release
        SET
            timestamp = min(toStartOfHour(timestamp)),
            batch_id = max(batch_id),
            written_at = max(written_at),
            sessions = sum(sessions),
            crashed = sum(crashed),
            abnormal = sum(abnormal),
            unhandled = sum(unhandled),
            errored_preaggr = sum(errored_preaggr),
            duration_count = sum(duration_count),
            duration_sum = sum(duration_sum),
            duration_max = max(duration_max),
            errored_sids = uniqCombined64MergeState(errored_sids),
            users = uniqCombined64MergeState(users),
            users_errored = uniqCombined64MergeState(users_errored),
            users_crashed = uniqCombined64MergeState(users_crashed),
            users_abnormal = uniqCombined64MergeState(users_abnormal),
            users_unhandled = uniqCombined64MergeState(users_unhandled),
            users_anr = uniqCombined64MergeState(users_anr),
            users_anr_foreground = uniqCombined64MergeState(users_anr_foreground),
            durations = quantilesTDigestMergeState(0.5, 0.75, 0.9, 0.95, 0.99)(durations)
SETTINGS
    index_granularity = 1024,
    min_columns_to_activate_adaptive_write_buffer = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    @DEDUPLICATION@;
