-- What the models must hold, in DuckDB's SQL over the rows that an independent reader accepted.

-- model: stg_lines
select
    InvoiceNo as invoice_no,
    InvoiceNo[1] = 'C' as is_cancellation,
    StockCode as stock_code,
    trim(Description) as description,
    Quantity as quantity,
    InvoiceDate as invoiced_at,
    InvoiceDate::date as invoice_date,
    UnitPrice as unit_price,
    (Quantity * UnitPrice)::decimal(18, 2) as amount,
    CustomerID::bigint as customer_id,
    Country as country
from retail.lines;

-- model: daily_revenue
select
    InvoiceDate::date as invoice_date,
    count(*) as lines,
    count(distinct InvoiceNo) as invoices,
    count(distinct CustomerID) as customers,
    count(case when InvoiceNo[1] = 'C' then 1 end) as lines_cancelled,
    sum(Quantity)::bigint as units,
    sum(Quantity * UnitPrice)::decimal(18, 2) as revenue,
    coalesce(-sum(case when InvoiceNo[1] = 'C' then Quantity * UnitPrice end), 0)::decimal(18, 2) as refunded
from retail.lines
group by all;

-- model: customer_value
select
    CustomerID::bigint as customer_id,
    min(InvoiceDate)::date as first_invoice_date,
    max(InvoiceDate)::date as last_invoice_date,
    count(distinct InvoiceNo) as invoices,
    sum(Quantity * UnitPrice)::decimal(18, 2) as revenue,
    rank() over (order by sum(Quantity * UnitPrice) desc) as revenue_rank
from retail.lines
where CustomerID is not null
group by CustomerID;

-- model: product_sales
select
    c.stockcode as stock_code,
    c.description as introduced_as,
    c.invoicedate::date as introduced_on,
    (select count(*) from retail.lines as l where l.StockCode = c.stockcode) as lines,
    coalesce((select sum(Quantity) from retail.lines as l where l.StockCode = c.stockcode), 0)::bigint as units,
    (select min(UnitPrice) from retail.lines as l where l.StockCode = c.stockcode) as lowest_price,
    (select max(UnitPrice) from retail.lines as l where l.StockCode = c.stockcode) as highest_price
from retail.catalogue as c;
