-- What the models must hold, in DuckDB's SQL over the rows that an independent reader accepted.

-- model: stg_items
select
    order_id,
    product_id,
    customer_id,
    country,
    order_ts::date as order_date,
    quantity,
    unit_price,
    (quantity * unit_price)::decimal(18, 2) as amount
from shop.order_items join shop.orders using (order_id);

-- model: country_sales
select
    country,
    count(distinct order_id) as orders,
    count(distinct customer_id) as customers,
    count(distinct product_id) as products,
    sum(quantity)::bigint as units,
    sum(quantity * unit_price)::decimal(18, 2) as revenue
from shop.order_items join shop.orders using (order_id)
group by country;

-- model: product_pairs
with sold as (select order_id, product_id from shop.order_items where quantity > 0)
select a.product_id, b.product_id as other_product_id, count(*) as orders
from sold as a join sold as b on a.order_id = b.order_id and b.product_id > a.product_id
group by all
having count(*) >= 100;
