"""For gx.py: each kind of expectation met and not met, objects as result formats, and arguments that are not quite of their type."""

# Great Expectations has these for SQL alone, or computes them for nothing at all.
NOT_FOR_FRAMES = {
    "expect_column_values_to_match_like_pattern",
    "expect_column_values_to_not_match_like_pattern",
    "expect_column_values_to_match_like_pattern_list",
    "expect_column_values_to_not_match_like_pattern_list",
    "expect_query_results_to_match_comparison",
    "expect_table_row_count_to_equal_other_table",
    "unexpected_rows_expectation",
}

WHOLE = {"column": "whole"}
WORD = {"column": "word"}
DIGITS = list(range(10))
PAIR = {"column_A": "whole", "column_B": "holes"}
LISTED = {"column_list": ["whole", "holes"]}
BETWEEN = ["min", "max", "mean", "median", "sum", "stdev", "unique_value_count", "proportion_of_unique_values",
           "proportion_of_non_null_values"]
COLUMNS = ["id", "whole", "holes", "real", "word", "days", "price", "nothing", "truth", "moment", "document", "spelled"]
BINS = {"bins": [0, 3, 6, 9], "weights": [0.25, 0.25, 0.5]}


def each_way():
    """Each kind with arguments that the table `half` meets, and with others that it does not."""
    for name in BETWEEN:
        yield f"expect_column_{name}_to_be_between", WHOLE | {"min_value": -1, "max_value": 1e9}
        yield f"expect_column_{name}_to_be_between", WHOLE | {"min_value": 1e6, "strict_min": True}
    for high in [9, -1]:
        yield "expect_column_quantile_values_to_be_between", WHOLE | {
            "quantile_ranges": {"quantiles": [0.25, 0.5], "value_ranges": [[None, high], [0, high]]}}
    for value_set in [DIGITS, [77]]:
        for name in ["distinct_values_to_be_in_set", "distinct_values_to_contain_set", "distinct_values_to_equal_set",
                     "values_to_be_in_set", "values_to_not_be_in_set"]:
            yield f"expect_column_{name}", WHOLE | {"value_set": value_set}
        yield "expect_column_most_common_value_to_be_in_set", WHOLE | {"value_set": value_set, "ties_okay": True}
    for threshold in [100, 0]:
        yield "expect_column_kl_divergence_to_be_less_than", WHOLE | {"partition_object": BINS, "threshold": threshold}
        yield "expect_column_value_z_scores_to_be_less_than", WHOLE | {"threshold": threshold, "double_sided": True}
        yield "expect_column_values_to_not_be_outliers", WHOLE | {"multiplier": threshold, "method": "std"}
    for schema in [{}, {"type": "integer"}]:
        yield "expect_column_values_to_match_json_schema", {"column": "document", "json_schema": schema}
    for name in ["int64", "float64"]:
        yield "expect_column_values_to_be_of_type", WHOLE | {"type_": name}
        yield "expect_column_type_to_be", WHOLE | {"type_": name}
        yield "expect_column_values_to_be_in_type_list", WHOLE | {"type_list": [name]}
    for value in [60, 12, 5]:
        yield "expect_table_row_count_to_equal", {"value": value}
        yield "expect_table_row_count_to_be_between", {"max_value": value}
        yield "expect_table_column_count_to_equal", {"value": value}
        yield "expect_table_column_count_to_be_between", {"max_value": value}
    for columns in [COLUMNS, COLUMNS[:3]]:
        yield "expect_table_columns_to_match_ordered_list", {"column_list": columns}
        yield "expect_table_columns_to_match_set", {"column_set": columns}
    for column in ["whole", "gone"]:
        yield "expect_column_to_exist", {"column": column}
    for column in ["id", "whole"]:
        for name in ["be_unique", "be_increasing"]:
            yield f"expect_column_values_to_{name}", {"column": column}
        yield "expect_column_values_to_be_decreasing", {"column": column, "mostly": 0.4}
    yield "expect_column_values_to_be_null", {"column": "nothing"}
    for low in [0, 3]:
        yield "expect_column_values_to_be_between", WHOLE | {"min_value": low}
        yield "expect_column_value_lengths_to_be_between", WORD | {"min_value": low}
    for value in [1, 2]:
        yield "expect_column_value_lengths_to_equal", WHOLE | {"value": value}
    for regex in ["^", "z"]:
        yield "expect_column_values_to_match_regex", WORD | {"regex": regex}
        yield "expect_column_values_to_not_match_regex", WORD | {"regex": regex}
        yield "expect_column_values_to_match_regex_list", WORD | {"regex_list": [regex], "match_on": "all"}
        yield "expect_column_values_to_not_match_regex_list", WORD | {"regex_list": [regex]}
    for share in [0, 1]:
        yield "expect_column_values_to_match_strftime_format", WORD | {"strftime_format": "%Y-%m-%d", "mostly": share}
        yield "expect_column_values_to_be_dateutil_parseable", {"column": "spelled", "mostly": share}
        yield "expect_column_values_to_be_json_parseable", WORD | {"mostly": share}
        yield "expect_column_pair_values_to_be_equal", PAIR | {"mostly": share}
        yield "expect_column_pair_values_a_to_be_greater_than_b", PAIR | {"mostly": share}
        yield "expect_column_pair_values_to_be_in_set", PAIR | {"value_pairs_set": [[1, 1]], "mostly": share}
        yield "expect_multicolumn_values_to_be_equal", LISTED | {"mostly": share}
        yield "expect_multicolumn_sum_to_equal", LISTED | {"sum_total": 9, "mostly": share}
        yield "expect_compound_columns_to_be_unique", LISTED | {"mostly": share}
        yield "expect_select_column_values_to_be_unique_within_record", LISTED | {"mostly": share}


def formats():
    """Result formats that are objects, over each shape of unexpected values."""
    options = [
        {"partial_unexpected_count": 0},
        {"partial_unexpected_count": 1},
        {"partial_unexpected_count": 300, "include_unexpected_rows": True},
        {"unexpected_index_column_names": ["id"]},
        {"unexpected_index_column_names": ["moment", "word"], "return_unexpected_index_query": False},
        {"unexpected_index_column_names": ["id"], "exclude_unexpected_values": True, "return_unexpected_index_query": True},
        {"exclude_unexpected_values": True, "partial_unexpected_count": 2},
    ]
    asked = [
        ("expect_column_values_to_be_between", {"column": "holes", "min_value": 4}),
        ("expect_column_values_to_not_be_null", {"column": "moment"}),
        ("expect_column_pair_values_to_be_equal", PAIR),
        ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["moment", "days", "holes"]}),
        ("expect_column_distinct_values_to_be_in_set", {"column": "whole", "value_set": [1]}),
        ("expect_column_distinct_values_to_equal_set", {"column": "whole", "value_set": [1, 77]}),
    ]
    for option in options:
        for level in ["BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE"]:
            for kind, kwargs in asked:
                yield kind, kwargs | {"result_format": {"result_format": level} | option}


def odd():
    """Arguments that pydantic makes what they must be, and columns that Python compares although their types differ."""
    for bound in [True, "5", 2.5, "2024-01-02"]:
        for column in ["whole", "real", "truth", "price"]:
            yield "expect_column_values_to_be_between", {"column": column, "min_value": bound, "max_value": 1e17}
            yield "expect_column_max_to_be_between", {"column": column, "min_value": bound}
        yield "expect_column_unique_value_count_to_be_between", WHOLE | {"min_value": bound}
        yield "expect_column_value_lengths_to_be_between", WORD | {"min_value": bound}
        yield "expect_column_value_lengths_to_equal", WORD | {"value": bound}
        yield "expect_table_row_count_to_be_between", {"max_value": bound}
    for one, other in [("truth", "whole"), ("price", "real"), ("days", "moment"), ("word", "spelled"), ("nothing", "word"), ("days", "word")]:
        for ignored in ["both_values_are_missing", "neither"]:
            pair = {"column_A": one, "column_B": other, "ignore_row_if": ignored}
            yield "expect_column_pair_values_to_be_equal", pair
            yield "expect_column_pair_values_to_be_in_set", pair | {"value_pairs_set": [[1, 1], ["a", None], [None, 2]]}
        for ignored in ["all_values_are_missing", "never"]:
            listed = {"column_list": [one, other], "ignore_row_if": ignored}
            yield "expect_select_column_values_to_be_unique_within_record", listed
            yield "expect_multicolumn_values_to_be_equal", listed
            yield "expect_compound_columns_to_be_unique", listed
    for columns in [["truth", "whole"], ["word", "spelled"], ["whole", "days"], ["price", "whole"]]:
        yield "expect_multicolumn_sum_to_equal", {"column_list": columns, "sum_total": 3}
    for column in ["whole", "holes", "truth"]:
        for threshold in [0.5, None]:
            yield "expect_column_kl_divergence_to_be_less_than", {"column": column, "threshold": threshold}
    yield "expect_column_value_z_scores_to_be_less_than", {"column": "truth", "threshold": "1", "double_sided": "yes"}
    yield "expect_column_values_to_be_dateutil_parseable", {"column": "spelled"}
    for regexes in [["["], ["a", "["], []]:
        yield "expect_column_values_to_match_regex_list", {"column": "nothing", "regex_list": regexes}
        yield "expect_column_values_to_not_match_regex_list", {"column": "nothing", "regex_list": regexes}
    for value_set in [["2024-01-01T10:00:00", "2024-01-02"], ["2024-01-03", "x", 5]]:
        for column in ["days", "moment"]:
            yield "expect_column_distinct_values_to_equal_set", {"column": column, "value_set": value_set}
    for kind, key in [("values_to_be_in_set", "value_set"), ("distinct_values_to_equal_set", "value_set"),
                      ("most_common_value_to_be_in_set", "value_set")]:
        yield f"expect_column_{kind}", {"column": "whole"}
        yield f"expect_column_{kind}", {"column": "whole", key: None}
    yield "expect_column_pair_values_to_be_in_set", PAIR
    for name in ["increasing", "decreasing"]:
        for strictly in [False, True]:
            yield f"expect_column_values_to_be_{name}", {"column": "truth", "strictly": strictly}
    for column, bound in [("word", "a"), ("moment", "2024-01-01"), ("moment", "2024-01-01T00:00:01"), ("days", "2024-01-02")]:
        yield "expect_column_values_to_be_between", {"column": column, "min_value": bound}
        yield "expect_column_max_to_be_between", {"column": column, "min_value": bound}
        yield "expect_column_min_to_be_between", {"column": column, "max_value": bound}
    for index in [-1, -12, -13, "1", 11]:
        yield "expect_column_to_exist", {"column": "spelled", "column_index": index}
    yield "expect_query_results_to_match_comparison", {
        "base_query": "select 1", "comparison_data_source_name": "other", "comparison_query": "select 1"}
    yield "expect_something_else", {"column": "whole"}
    yield "expect_column_values_to_be_unique", {"column": "whole", "no_such_argument": 1}
