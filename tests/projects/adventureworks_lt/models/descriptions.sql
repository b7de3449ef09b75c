{{ config(materialized='table') }}

select
    models.Name as model,
    trim(links.Culture) as culture,
    descriptions.Description as description,
    cast(length(descriptions.Description) as integer) as characters
from {{ source('aw', 'ProductModelProductDescription') }} as links
inner join {{ source('aw', 'ProductModel') }} as models on models.ProductModelID = links.ProductModelID
inner join {{ source('aw', 'ProductDescription') }} as descriptions
    on descriptions.ProductDescriptionID = links.ProductDescriptionID
