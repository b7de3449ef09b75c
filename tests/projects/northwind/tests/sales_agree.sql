-- Every order line counts once for its category and once for its employee.
select by_category.net, by_employee.net as expected
from (select sum(net) as net from {{ ref('category_sales') }}) as by_category
cross join (select sum(net) as net from {{ ref('employee_sales') }}) as by_employee
where by_category.net <> by_employee.net
