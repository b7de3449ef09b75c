{{ config(materialized='table') }}

select
    invoice_date,
    count(*) as lines,
    count(distinct invoice_no) as invoices,
    count(distinct customer_id) as customers,
    count(*) filter (where is_cancellation) as lines_cancelled,
    cast(sum(quantity) as bigint) as units,
    cast(sum(amount) as decimal(18, 2)) as revenue,
    cast(sum(case when is_cancellation then -amount else 0 end) as decimal(18, 2)) as refunded
from {{ ref('stg_lines') }}
group by invoice_date
