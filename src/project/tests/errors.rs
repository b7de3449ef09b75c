//! What is said of mistakes.

use super::*;

#[test]
fn unknown_names_are_shown_with_what_may_have_been_meant() {
    insta::assert_snapshot!(problems(
        "//- /models/orders.sql\nselect 1 as x\n\
         //- /models/daily.sql\nselect *\nfrom {{ ref('order') }}\njoin {{ source('shp', 'x') }}\njoin {{ source('shop', 'ordrs') }}\n\
         //- /models/s.yml\nsources: [{name: shop, tables: [{name: orders}]}]\n"
    ), @"");
}
