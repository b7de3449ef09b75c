{{ config(materialized='table') }}
select
    1::bigint as id,
    2::integer as small,
    1.5::double as ratio,
    12.50::decimal(18, 2) as price,
    'DE' as country,
    true as flag,
    date '2024-01-31' as day,
    timestamp '2024-01-31 10:00:00' as moment,
    [1, 2] as list
