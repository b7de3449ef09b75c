select
    InvoiceNo as invoice_no,
    InvoiceNo like 'C%' as is_cancellation,
    StockCode as stock_code,
    trim(Description) as description,
    Quantity as quantity,
    InvoiceDate as invoiced_at,
    cast(InvoiceDate as date) as invoice_date,
    UnitPrice as unit_price,
    cast(Quantity * UnitPrice as decimal(18, 2)) as amount,
    cast(CustomerID as bigint) as customer_id,
    Country as country
from {{ source('retail', 'lines') }}
