{{ config(materialized='table') }}

with sales as (
    select employee_id, count(distinct order_id) as orders, sum(net) as net
    from {{ ref('stg_order_details') }}
    group by employee_id
)

select
    employees.employeeID as employee_id,
    employees.firstName || ' ' || employees.lastName as name,
    managers.lastName as manager,
    cast(employees.hireDate as date) as hired_on,
    coalesce(sales.orders, 0) as orders,
    cast(coalesce(sales.net, 0) as decimal(18, 6)) as net,
    cast(row_number() over (order by coalesce(sales.net, 0) desc, employees.employeeID) as bigint) as position
from {{ source('nw', 'employees') }} as employees
left join {{ source('nw', 'employees') }} as managers on managers.employeeID = employees.reportsTo
left join sales on sales.employee_id = employees.employeeID
