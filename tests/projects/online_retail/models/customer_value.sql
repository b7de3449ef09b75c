{{ config(materialized='table') }}

with totals as (
    select
        customer_id,
        min(invoice_date) as first_invoice_date,
        max(invoice_date) as last_invoice_date,
        count(distinct invoice_no) as invoices,
        cast(sum(amount) as decimal(18, 2)) as revenue
    from {{ ref('stg_lines') }}
    where customer_id is not null
    group by customer_id
)

select *, cast(rank() over (order by revenue desc) as bigint) as revenue_rank
from totals
