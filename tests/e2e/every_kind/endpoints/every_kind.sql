select *
from {{ ref('one_row') }}
where
    id >= $id
    and ratio >= $ratio
    and price >= $price
    and country = $country
    and country = $code
    and country = $state
    and flag = $flag
    and day >= $day
    and moment >= $moment
