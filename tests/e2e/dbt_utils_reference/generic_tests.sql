{#- dbt_utils' generic tests as its documentation defines them, each as the plain SQL of its definition. It stands in for the
    package, which no package registry carries; its number of failures is the package's. Written apart from Clearwell's own. -#}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set columns = combination_of_columns | join(', ') %}
select distinct {{ columns }}
from (select *, count(*) over (partition by {{ columns }}) as occurrences from {{ model }})
where occurrences > 1
{% endtest %}

{% test expression_is_true(model, expression, column_name=none) %}
select * from {{ model }}
where ({{ column_name if column_name is not none }} {{ expression }}) is false
{% endtest %}

{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
select * from {{ model }}
where false
{%- if min_value is not none %} or {{ column_name }} < {{ min_value }}{% if not inclusive %} or {{ column_name }} = {{ min_value }}{% endif %}{% endif %}
{%- if max_value is not none %} or {{ column_name }} > {{ max_value }}{% if not inclusive %} or {{ column_name }} = {{ max_value }}{% endif %}{% endif %}
{% endtest %}

{% test not_null_proportion(model, group_by_columns=[]) %}
{%- set column = kwargs['column_name'] %}
{%- set at_least = kwargs['at_least'] %}
{%- set at_most = kwargs.get('at_most', 1) %}
select * from (
  select {{ group_by_columns | join(', ') ~ ', ' if group_by_columns }}
    sum(case when {{ column }} is null then 0 else 1 end)::double as filled,
    count(*)::double as total
  from {{ model }} {{ 'group by ' ~ group_by_columns | join(', ') if group_by_columns }}
)
where total > 0 and not (filled / total between {{ at_least }} and {{ at_most }})
{% endtest %}

{% test recency(model, field, datepart, interval, ignore_time_component=false, group_by_columns=[]) %}
select * from (
  select {{ group_by_columns | join(', ') ~ ', ' if group_by_columns }} max({{ field }}) as most_recent
  from {{ model }} {{ 'group by ' ~ group_by_columns | join(', ') if group_by_columns }}
)
where most_recent < cast(now() - interval {{ interval }} {{ datepart }} as {{ 'date' if ignore_time_component else 'timestamp' }})
{% endtest %}

{#- A group without rows on one side has 0 there. One whose key has a null has no partner on the other side: the package joins
    groups by `=`. -#}
{% macro counts_by_group(model, compare_model, group_by_columns) %}
{%- set keys = group_by_columns | join(', ') %}
{%- set is_alone = group_by_columns | join(' is null or ') ~ ' is null' if keys else 'false' %}
select sum(ours) as ours, sum(theirs) as theirs from (
  select 1 as ours, 0 as theirs, {{ is_alone }} as alone{{ ', ' ~ keys if keys }} from {{ model }}
  union all
  select 0 as ours, 1 as theirs, {{ is_alone }} as alone{{ ', ' ~ keys if keys }} from {{ compare_model }}
)
{% if keys %}group by {{ keys }}, case when alone then ours end{% endif %}
{% endmacro %}

{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(difference), 0)') }}
select abs(coalesce(ours, 0) - coalesce(theirs, 0)) as difference
from ({{ dbt_utils.counts_by_group(model, compare_model, group_by_columns) }})
{% endtest %}

{% test fewer_rows_than(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(too_many), 0)') }}
select case when ours < theirs then 0 when ours = theirs then 1 else ours - theirs end as too_many
from (
  select coalesce(ours, 0) as ours, coalesce(theirs, 0) as theirs
  from ({{ dbt_utils.counts_by_group(model, compare_model, group_by_columns) }})
)
{% endtest %}

{% test at_least_one(model, column_name, group_by_columns=[]) %}
{%- set keys = group_by_columns | reject('equalto', column_name) | join(', ') %}
select * from (
  select {{ keys ~ ', ' if keys }} sum(case when {{ column_name }} is null then 0 else 1 end) as filled
  from {{ model }} {{ 'group by ' ~ keys if keys }}
)
where coalesce(filled, 0) = 0
{% endtest %}

{% test not_constant(model, column_name, group_by_columns=[]) %}
{%- set keys = group_by_columns | join(', ') %}
select * from (
  select {{ keys ~ ', ' if keys }} min({{ column_name }}) as least, max({{ column_name }}) as greatest
  from {{ model }} {{ 'group by ' ~ keys if keys }}
)
where least = greatest
{% endtest %}

{% test cardinality_equality(model, column_name, to, field) %}
{%- set ours = 'select ' ~ column_name ~ ' as value, count(*) as occurrences from ' ~ model ~ ' group by 1' %}
{%- set theirs = 'select ' ~ field ~ ' as value, count(*) as occurrences from ' ~ to ~ ' group by 1' %}
{%- set same = 'o.value is not distinct from t.value and o.occurrences = t.occurrences' %}
select * from ({{ ours }}) as o where not exists (select 1 from ({{ theirs }}) as t where {{ same }})
union all
select * from ({{ theirs }}) as t where not exists (select 1 from ({{ ours }}) as o where {{ same }})
{% endtest %}

{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false) %}
with bounds as (
  select {{ partition_by or '1' }} as part, {{ lower_bound_column }} as low, {{ upper_bound_column }} as high from {{ model }}
),
numbered as (
  select *, row_number() over (partition by part order by low nulls last, high nulls last) as place from bounds
),
pairs as (
  select this.*, following.low as next_low, not exists (
    select 1 from bounds as other where other.part is not distinct from this.part
      and (other.low > this.low or (other.low = this.low and other.high > this.high))
  ) as is_last
  from numbered as this
  left join numbered as following
  on following.part is not distinct from this.part and following.place = this.place + 1
)
select * from pairs
where low is null or high is null or low > high
{%- if not zero_length_range_allowed %} or low = high{% endif %}
{%- if gaps == 'allowed' %} or high > next_low{% elif gaps == 'not_allowed' %} or high <> next_low{% else %} or high >= next_low{% endif %}
or (next_low is null and not is_last)
{% endtest %}

{% test sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
{%- set keys = group_by_columns | join(', ') or '1' %}
with numbered as (
  select {{ column_name }} as value, row_number() over (partition by {{ keys }} order by {{ column_name }} nulls last) as place,
    dense_rank() over (order by {{ keys }}) as part
  from {{ model }}
)
select this.value from numbered as this join numbered as before
on this.part = before.part and this.place = before.place + 1
where this.value <> before.value + {{ 'interval ' ~ interval ~ ' ' ~ datepart if datepart else interval }}
{% endtest %}

{% test not_accepted_values(model, column_name, values, quote=true) %}
{%- set found = [] %}
{%- for value in values %}{% do found.append(column_name ~ ' = ' ~ ("'" ~ value ~ "'" if quote else value)) %}{% endfor %}
select {{ column_name }} as value_field from {{ model }} where {{ found | join(' or ') }} group by 1
{% endtest %}

{% test not_empty_string(model, column_name, trim_whitespace=true) %}
select * from {{ model }} where length({{ 'trim(' ~ column_name ~ ')' if trim_whitespace else column_name }}) = 0
{% endtest %}

{% test relationships_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
select {{ column_name }} as id, null as right_id from {{ model }}
where {{ column_name }} is not null and {{ from_condition }} and {{ column_name }} not in (
  select {{ field }} from {{ to }} where {{ field }} is not null and {{ to_condition }}
)
{% endtest %}

{% test equality(model, compare_model, compare_columns=none, exclude_columns=none, precision=none) %}
{{ config(fail_calc="count(*) + coalesce(abs(2 * count_if(which_diff = 'a_minus_b') - count(*)), 0)") }}
{%- if execute %}
{%- set columns = [] %}
{%- for column in adapter.get_columns_in_relation(model) %}
  {%- set chosen = column.name in compare_columns if compare_columns else column.name not in (exclude_columns or []) %}
  {%- if chosen %}
    {%- set is_rounded = precision is not none and (column.is_float() or column.is_numeric()) %}
    {%- do columns.append('round(cast(' ~ column.name ~ ' as decimal(28, 6)), ' ~ precision ~ ') as ' ~ column.name if is_rounded else column.name) %}
  {%- endif %}
{%- endfor %}
{%- set columns = columns | join(', ') %}
select 'a_minus_b' as which_diff, * from (select {{ columns }} from {{ model }} except select {{ columns }} from {{ compare_model }})
union all
select 'b_minus_a' as which_diff, * from (select {{ columns }} from {{ compare_model }} except select {{ columns }} from {{ model }})
{%- endif %}
{% endtest %}
