{{ config(materialized='table') }}

{% set names = [
    'comma_in_quotes',
    'empty',
    'empty_crlf',
    'escaped_quotes',
    'json',
    'location_coordinates',
    'newlines',
    'newlines_crlf',
    'quotes_and_newlines',
    'simple',
    'simple_crlf',
    'utf8',
] %}
{% for name in names %}
select '{{ name }}' as file, count(*) as records
from {{ source('spectrum', name) }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
