{#- Generic tests under the names, arguments and meaning of the package dbt_utils 1.3. Where single rows tell, `rows_<name>` is the condition
    that a failing row meets; the test then selects those rows. -#}

{% macro rows_accepted_range(column_name, min_value=none, max_value=none, inclusive=true) -%}
  {%- set equal = '=' if inclusive else '' -%}
  {%- if min_value is none and max_value is none -%}false{%- endif -%}
  {%- if min_value is not none -%}not ({{ column_name }} >{{ equal }} {{ min_value }}){%- endif -%}
  {%- if min_value is not none and max_value is not none %} or {% endif -%}
  {%- if max_value is not none -%}not ({{ column_name }} <{{ equal }} {{ max_value }}){%- endif -%}
{%- endmacro %}
{% test accepted_range(model, column_name, min_value=none, max_value=none, inclusive=true) %}
select * from {{ model }} where {{ dbt_utils.rows_accepted_range(column_name, min_value, max_value, inclusive) }}
{% endtest %}

{% macro rows_expression_is_true(expression, column_name=none) -%}
  not ({% if column_name is not none %}{{ column_name }} {% endif %}{{ expression }})
{%- endmacro %}
{% test expression_is_true(model, expression, column_name=none) %}
select * from {{ model }} where {{ dbt_utils.rows_expression_is_true(expression, column_name) }}
{% endtest %}

{% macro rows_not_accepted_values(column_name, values, quote=true) -%}
  {{ column_name }} in (
  {%- for value in values -%}
    {%- if quote -%}'{{ value | string | replace("''", "'") | replace("'", "''") }}'{%- else -%}{{ value }}{%- endif -%}{{ ', ' if not loop.last }}
  {%- endfor -%})
{%- endmacro %}
{% test not_accepted_values(model, column_name, values, quote=true) %}
select distinct {{ column_name }} as value_field from {{ model }} where {{ dbt_utils.rows_not_accepted_values(column_name, values, quote) }}
{% endtest %}

{% macro rows_not_empty_string(column_name, trim_whitespace=true) -%}
  {% if trim_whitespace %}trim({{ column_name }}){% else %}{{ column_name }}{% endif %} = ''
{%- endmacro %}
{% test not_empty_string(model, column_name, trim_whitespace=true) %}
select * from {{ model }} where {{ dbt_utils.rows_not_empty_string(column_name, trim_whitespace) }}
{% endtest %}

{% test unique_combination_of_columns(model, combination_of_columns, quote_columns=false) %}
{%- set columns = [] -%}
{%- for column in combination_of_columns -%}
  {%- do columns.append(adapter.quote(column) if quote_columns else column) -%}
{%- endfor %}
select {{ columns | join(', ') }} from {{ model }}
group by {{ columns | join(', ') }} having count(*) > 1
{% endtest %}

{% test not_null_proportion(model, column_name, group_by_columns=[]) %}
{%- set at_least = kwargs.get('at_least', kwargs.get('arg')) -%}
{%- set at_most = kwargs.get('at_most', kwargs.get('arg', 1)) %}
select * from (
  select {% for column in group_by_columns %}{{ column }}, {% endfor %}
    count({{ column_name }}) / cast(nullif(count(*), 0) as double) as not_null_proportion
  from {{ model }} {% if group_by_columns %}group by {{ group_by_columns | join(', ') }}{% endif %}
) as proportions
where not_null_proportion < {{ at_least }} or not_null_proportion > {{ at_most }}
{% endtest %}

{% test recency(model, field, datepart, interval, ignore_time_component=false, group_by_columns=[]) %}
{%- set type = 'date' if ignore_time_component else 'timestamp' -%}
{%- set threshold = 'cast(' ~ dbt.dateadd(datepart, interval * -1, dbt.current_timestamp()) ~ ' as ' ~ type ~ ')' %}
select * from (
  select {% for column in group_by_columns %}{{ column }}, {% endfor %}
    {% if ignore_time_component %}cast(max({{ field }}) as date){% else %}max({{ field }}){% endif %} as most_recent,
    {{ threshold }} as threshold
  from {{ model }} {% if group_by_columns %}group by {{ group_by_columns | join(', ') }}{% endif %}
) as newest
where most_recent < threshold
{% endtest %}

{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(diff_count), 0)') }}
{%- set keys = group_by_columns %}
select a.count_a, b.count_b, abs(coalesce(a.count_a, 0) - coalesce(b.count_b, 0)) as diff_count
from (select {% for key in keys %}{{ key }}, {% endfor %}count(*) as count_a from {{ model }}
  {% if keys %}group by {{ keys | join(', ') }}{% endif %}) as a
full join (select {% for key in keys %}{{ key }}, {% endfor %}count(*) as count_b from {{ compare_model }}
  {% if keys %}group by {{ keys | join(', ') }}{% endif %}) as b
on {% for key in keys %}a.{{ key }} = b.{{ key }}{{ ' and ' if not loop.last }}{% else %}true{% endfor %}
{% endtest %}

{% test fewer_rows_than(model, compare_model, group_by_columns=[]) %}
{{ config(fail_calc='coalesce(sum(row_count_delta), 0)') }}
{%- set keys = group_by_columns %}
select *, case
    when ours > theirs then ours - theirs
    when ours = theirs then 1
    else 0
  end as row_count_delta
from (
  select coalesce(a.count_a, 0) as ours, coalesce(b.count_b, 0) as theirs
  from (select {% for key in keys %}{{ key }}, {% endfor %}count(*) as count_a from {{ model }}
    {% if keys %}group by {{ keys | join(', ') }}{% endif %}) as a
  full join (select {% for key in keys %}{{ key }}, {% endfor %}count(*) as count_b from {{ compare_model }}
    {% if keys %}group by {{ keys | join(', ') }}{% endif %}) as b
  on {% for key in keys %}a.{{ key }} = b.{{ key }}{{ ' and ' if not loop.last }}{% else %}true{% endfor %}
) as counts
{% endtest %}

{% test at_least_one(model, column_name, group_by_columns=[]) %}
{%- set keys = group_by_columns | reject('equalto', column_name) | list %}
select {% for column in keys %}{{ column }}, {% endfor %}count({{ column_name }}) as filled
from {{ model }} {% if keys %}group by {{ keys | join(', ') }}{% endif %}
having count({{ column_name }}) = 0
{% endtest %}

{% test not_constant(model, column_name, group_by_columns=[]) %}
select {% for column in group_by_columns %}{{ column }}, {% endfor %}count(distinct {{ column_name }}) as values_found
from {{ model }} {% if group_by_columns %}group by {{ group_by_columns | join(', ') }}{% endif %}
having count(distinct {{ column_name }}) = 1
{% endtest %}

{% test cardinality_equality(model, column_name, to, field) %}
with ours as (select {{ column_name }} as value, count(*) as num_rows from {{ model }} group by {{ column_name }}),
theirs as (select {{ field }} as value, count(*) as num_rows from {{ to }} group by {{ field }})
select * from (select * from ours except select * from theirs) as only_ours
union all
select * from (select * from theirs except select * from ours) as only_theirs
{% endtest %}

{% test mutually_exclusive_ranges(model, lower_bound_column, upper_bound_column, partition_by=none, gaps='allowed', zero_length_range_allowed=false) %}
{%- set meets = {'not_allowed': '=', 'allowed': '<=', 'required': '<'} -%}
{%- if gaps not in meets -%}
  {{ exceptions.raise_compiler_error("`gaps` of mutually_exclusive_ranges is one of 'not_allowed', 'allowed' or 'required', not '" ~ gaps ~ "'") }}
{%- endif -%}
{%- set partition = 'partition by ' ~ partition_by if partition_by else '' %}
with ranges as (
  select {% if partition_by %}{{ partition_by }} as partition_by_col, {% endif %}
    {{ lower_bound_column }} as lower_bound,
    {{ upper_bound_column }} as upper_bound,
    lead({{ lower_bound_column }}) over ({{ partition }} order by {{ lower_bound_column }}, {{ upper_bound_column }}) as next_lower_bound,
    row_number() over ({{ partition }} order by {{ lower_bound_column }} desc, {{ upper_bound_column }} desc) = 1 as is_last_record
  from {{ model }}
)
select * from ranges
where not (
  coalesce(lower_bound {{ '<=' if zero_length_range_allowed else '<' }} upper_bound, false)
  and coalesce(upper_bound {{ meets[gaps] }} next_lower_bound, is_last_record, false)
)
{% endtest %}

{% test sequential_values(model, column_name, interval=1, datepart=none, group_by_columns=[]) %}
with windowed as (
  select {% for column in group_by_columns %}{{ column }}, {% endfor %}{{ column_name }} as current_value,
    lag({{ column_name }}) over ({% if group_by_columns %}partition by {{ group_by_columns | join(', ') }} {% endif %}order by {{ column_name }}) as previous_value
  from {{ model }}
)
select * from windowed
{% if datepart -%}
where not (cast(current_value as timestamp) = cast({{ dbt.dateadd(datepart, interval, 'previous_value') }} as timestamp))
{%- else -%}
where not (current_value = previous_value + {{ interval }})
{%- endif %}
{% endtest %}

{% test relationships_where(model, column_name, to, field, from_condition='1=1', to_condition='1=1') %}
with children as (
  select {{ column_name }} as id from {{ model }} where {{ column_name }} is not null and {{ from_condition }}
),
parents as (
  select {{ field }} as id from {{ to }} where {{ field }} is not null and {{ to_condition }}
)
select children.id, parents.id as right_id
from children left join parents on children.id = parents.id
where parents.id is null
{% endtest %}

{% test equality(model, compare_model, compare_columns=none, exclude_columns=none, precision=none) %}
{{ config(fail_calc="count(*) + abs(2 * count_if(which_diff = 'a_minus_b') - count(*))") }}
{%- if compare_columns and exclude_columns -%}
  {{ exceptions.raise_compiler_error('equality takes `compare_columns` or `exclude_columns`, not both') }}
{%- elif precision is not none -%}
  {{ exceptions.raise_compiler_error('`precision` of equality is not supported yet') }}
{%- endif -%}
{%- set columns = compare_columns | join(', ') if compare_columns else '*' ~ (' exclude (' ~ exclude_columns | join(', ') ~ ')' if exclude_columns else '') %}
with a as (select {{ columns }} from {{ model }}),
b as (select {{ columns }} from {{ compare_model }})
select 'a_minus_b' as which_diff, * from (select * from a except select * from b) as a_minus_b
union all
select 'b_minus_a' as which_diff, * from (select * from b except select * from a) as b_minus_a
{% endtest %}
