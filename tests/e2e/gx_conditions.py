"""Row conditions for gx.py: in pandas' language, in Great Expectations' older grammar, and as JSON."""

PANDAS = """
moment > "2024-01-01"
moment > "2024-01-01 00:00:02"
moment > "abc"
moment >= "2024-01-01T00:00:00.000700" and moment < "2024-01-02"
moment > 5
moment.dt.year == 2024
moment.dt.second in [1, 2]
moment.dt.dayofweek == 0
moment.dt.quarter + moment.dt.month > 1
moment.notnull()
truth == True
truth == 1
truth != True
truth == "True"
truth and whole > 3
whole > 3 & truth
truth == truth
1 < whole < 5
1 < whole <= holes < 9
whole > 3 > 1
whole == "4"
whole > "4"
whole == 4.0
whole >= 1e0
whole > 2.5
whole > True
4 < whole
word > "a"
word > 3
word == 3
word == "a"
"a" in word
word == 'a' or whole > 5 and holes < 3
(word == 'a' or whole > 5) and holes < 3
word == "a" | whole > 5
not word == "a"
~(word == "a")
word == ""
word == ["a", "bb"]
word != ["a", "bb"]
word in ["a", None]
word not in ("a",)
word < document
holes == None
holes != None
holes > None
holes == holes
holes != holes
whole != holes
whole > holes
not whole > holes
whole in (1, 2, 3)
whole == [1, 2]
whole != [1, 2]
whole not in [1, 2]
whole in [holes, 3]
whole in []
whole in [1, -2, +3]
holes in [1, 2.0]
holes % 3 == 1
holes / whole > 1
holes // 2 == 1
holes ** 2 > 9
-holes < -4
-holes ** 2 < -16
holes + whole * 2 >= 15
holes - 5 % 3 > 1
whole % -4 == -3
(whole - 5) // 2 == -2
holes / 0 > 1
holes == holes / whole
real != real
real == real
real > 1
real <= 1
not real > 1
real == holes
real < holes
real >= holes
abs(real) > 1
sqrt(whole) > 2
floor(holes / 2) == 1
holes.between(2, 5)
holes.between(2, 5, inclusive="neither")
whole.between(2, right=holes)
price > 1
price < 0
price == 1
price.isnull()
nothing.isnull()
nothing > 1
nothing == 1
holes.notna() & whole.notnull()
holes.isnull() | word.isna()
not (holes > 3 or real > 1)
`whole` > 5
whole.abs() > 3
whole.round() == 3
whole.astype("str") == "3"
whole.isin([1, 2])
whole.isin([1, 2]) == True
whole.eq(3) or whole.gt(holes)
holes.fillna(0) == 0
holes.fillna(-1) < 2
word.isin(["a"])
word.fillna("a") == "a"
word.isnull()
word.str.startswith("b")
not word.str.startswith("b")
word.str.startswith(("b", "2"))
word.str.endswith("-02")
~word.str.contains("b|a", na=False)
word.str.contains("b", na=True)
word.str.contains("B", case=False)
word.str.contains("(", regex=False)
word.str.contains("(")
word.str.contains(".", regex=False)
word.str.contains("\\d{4}")
word.str.contains(r"\\d{4}")
word.str.match("b+")
word.str.match("a|bb")
word.str.fullmatch("b|bb")
word.str.len() > 1
word.str.len() == whole
word.str.upper() == "BB"
word.str.upper() == "É"
word.str.strip() == ""
word.str.strip("b") == ""
word.str.replace("b", "a") == "aa"
word.str.slice(0, 2) == "20"
word.str[0] == "2"
word.str[-1] == "b"
word.str[5:] == "01-02"
word.str[1:3] == "02"
word.str.get(1) == "b"
word.str.isdigit()
word.str.isalpha()
word.str.isupper() or word.str.islower()
word.str.lower().str.endswith("b")
document.str.contains("{")
document.str.contains("a.*1", regex=True)
whole.str.contains("1")
moment.str.contains("1")
whole = 4
gone > 3
whole is None
whole > 5 if True else False
@x > 3
whole ==
word + 1 == 2
 whole > 4 
""".strip("\n").splitlines()

GRAMMAR = """
col("whole") > 4
col("whole") >= 4.5
col("whole") != 4
col("whole") < -1
col("word") == "a"
col("word") == 'bb'
col("word") != "a"
col("word") > "a"
col("whole") == "4"
col("holes").notnull()
col("word").NOTNULL()
col("moment") > "2024-01-01 00:00:02"
col("moment") >= date("2024-01-01")
col("gone") > 1
whole > 4
col("whole") is 4
col("whole")
""".strip().splitlines()


def column(name):
    return {"name": name}


def comparison(name, operator, parameter):
    return {"type": "comparison", "column": column(name), "operator": operator, "parameter": parameter}


def null(name, is_null=True):
    return {"type": "nullity", "column": column(name), "is_null": is_null}


def joined(kind, *conditions):
    return {"type": kind, "conditions": list(conditions)}


def objects():
    for operator in ["==", "!=", "<", "<=", ">", ">="]:
        for name, parameter in [("whole", 4), ("holes", 4), ("holes", 4.5), ("real", 0.5), ("word", "a"), ("truth", True), ("price", 1),
                                ("nothing", 1)]:
            if (name, operator) != ("truth", operator) or operator in ("==", "!="):
                yield comparison(name, operator, parameter)
    for operator in ["IN", "NOT_IN"]:
        for name, parameter in [("whole", [1, 2]), ("holes", [1, 2.5]), ("word", ["a", "é"]), ("word", []), ("real", [0.5]),
                                ("word", [1]), ("word", ["a", None]), ("word", ["a", 1]), ("word", "a"), ("whole", [True])]:
            yield comparison(name, operator, parameter)
    for name in ["whole", "holes", "real", "word", "truth", "moment", "days", "nothing"]:
        yield null(name)
        yield null(name, False)
    big, small, there = comparison("whole", ">", 6), comparison("whole", "<", 2), null("holes", False)
    yield joined("and", big, there)
    yield joined("or", big, small)
    yield joined("or", joined("and", big, there), small)
    yield joined("and", joined("and", big, there), comparison("holes", "<", 5))
    yield {"type": "pass_through", "pass_through_filter": "whole > 4 and holes.notnull()"}
    yield comparison("moment", ">", "2024-01-01T00:00:01")
    yield comparison("whole", "==", None)
    yield comparison("whole", "=", 1)
    yield comparison("gone", "==", 1)
    yield comparison("word", ">", 1)
    yield {"type": "comparision", "column": column("whole"), "operator": "==", "parameter": 1}
    yield {"type": "nullity", "column": column("whole")}
    yield {"type": "nullity", "is_null": True}


def expectations():
    """One expectation for each condition, whose result tells how many rows meet it and the first of them."""
    def told(condition, parser):
        return "expect_column_values_to_be_null", {"column": "id", "row_condition": condition} | (
            {"condition_parser": parser} if parser else {})

    for condition in PANDAS:
        yield told(condition.replace("\\\\", "\\"), "pandas")
    for condition in PANDAS[:50:3]:
        yield told(condition, None)
    for parser in ["great_expectations", "great_expectations__experimental__"]:
        for condition in GRAMMAR:
            yield told(condition, parser)
    for condition in objects():
        yield told(condition, None)
    yield told("whole > 4", "python")
    yield "expect_table_row_count_to_equal", {"value": 30, "row_condition": "whole > 4", "condition_parser": "pandas"}
    conditions = [("holes > 2", "pandas"), (joined("or", comparison("whole", ">", 5), null("word")), None)]
    for condition, parser in conditions:
        also = {"row_condition": condition} | ({"condition_parser": parser} if parser else {})
        for kind, kwargs in conditional():
            yield kind, kwargs | also


def conditional():
    """One of each sort of expectation."""
    yield "expect_column_values_to_be_between", {"column": "whole", "min_value": 2, "max_value": 7}
    yield "expect_column_values_to_be_unique", {"column": "holes"}
    yield "expect_column_values_to_be_increasing", {"column": "id"}
    yield "expect_column_values_to_be_increasing", {"column": "whole", "strictly": True}
    yield "expect_column_value_z_scores_to_be_less_than", {"column": "whole", "threshold": 1, "double_sided": True}
    yield "expect_column_values_to_match_regex", {"column": "word", "regex": "a"}
    yield "expect_column_mean_to_be_between", {"column": "holes", "min_value": 3}
    yield "expect_column_max_to_be_between", {"column": "real", "max_value": 3}
    yield "expect_column_median_to_be_between", {"column": "holes", "max_value": 5}
    yield "expect_column_unique_value_count_to_be_between", {"column": "word", "max_value": 5}
    yield "expect_column_distinct_values_to_equal_set", {"column": "whole", "value_set": [1, 2]}
    yield "expect_column_most_common_value_to_be_in_set", {"column": "whole", "value_set": [1, 2], "ties_okay": True}
    yield "expect_column_quantile_values_to_be_between", {
        "column": "holes", "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 5]]}}
    yield "expect_column_kl_divergence_to_be_less_than", {
        "column": "whole", "partition_object": {"bins": [0, 5, 9], "weights": [0.5, 0.5]}, "threshold": 0.1}
    yield "expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "whole", "column_B": "holes"}
    yield "expect_compound_columns_to_be_unique", {"column_list": ["whole", "truth"]}
    yield "expect_multicolumn_sum_to_equal", {"column_list": ["whole", "holes"], "sum_total": 9}
    yield "expect_column_values_to_not_be_outliers", {"column": "whole", "multiplier": 0.5}
    yield "expect_column_values_to_be_of_type", {"column": "holes", "type_": "float64"}
    yield "expect_column_values_to_match_json_schema", {"column": "document", "json_schema": {"type": "object"}}
