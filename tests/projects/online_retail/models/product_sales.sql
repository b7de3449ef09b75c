{{ config(materialized='table') }}

select
    catalogue.stockcode as stock_code,
    catalogue.description as introduced_as,
    cast(catalogue.invoicedate as date) as introduced_on,
    count(lines.invoice_no) as lines,
    cast(coalesce(sum(lines.quantity), 0) as bigint) as units,
    min(lines.unit_price) as lowest_price,
    max(lines.unit_price) as highest_price
from {{ source('retail', 'catalogue') }} as catalogue
left join {{ ref('stg_lines') }} as lines on lines.stock_code = catalogue.stockcode
group by catalogue.stockcode, catalogue.description, catalogue.invoicedate
