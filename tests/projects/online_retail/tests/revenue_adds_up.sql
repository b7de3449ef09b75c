-- What the days sum to is what the lines sum to.
select days.revenue, lines.revenue as expected
from (select sum(revenue) as revenue from {{ ref('daily_revenue') }}) as days
cross join (select sum(amount) as revenue from {{ ref('stg_lines') }}) as lines
where days.revenue <> lines.revenue
