//! A condition in pandas' query language as a tree.
//!
//! Source: Python's grammar of expressions, of which pandas' `query` takes a part; `&` and `|` bind as `and` and `or` there.

use serde_json::{Value as Json, json};

use super::token::{Token, tokens};

/// How often expressions may stand within one another.
const DEPTH_MAX: usize = 100;

/// A condition, or what one is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Name(String),
    Literal(Json),
    List(Vec<Expr>),
    Not(Box<Expr>),
    /// All (`and`) or any (`or`) of them.
    Joined(Joint, Vec<Expr>),
    /// `a < x <= b`: each pair of neighbours compares so.
    Compared(Box<Expr>, Vec<(Comparison, Expr)>),
    /// One of `+ - * / // % **`.
    Arithmetic(Box<Expr>, &'static str, Box<Expr>),
    Attribute(Box<Expr>, String),
    Call(Box<Expr>, Vec<Argument>),
    /// `x[from:to]`
    Slice(Box<Expr>, Option<i64>, Option<i64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joint {
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `==`, `<` …
    Sign(&'static str),
    In,
    NotIn,
}

/// What a call is given; by name, or in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument {
    pub(super) name: Option<String>,
    pub(super) value: Expr,
}

/// `None` where it is no expression that pandas takes.
pub(super) fn parse(text: &str) -> Option<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.any()?;
    (parser.next == parser.tokens.len()).then_some(expression)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        self.next += 1;
        self.tokens.get(self.next - 1).cloned()
    }

    /// The first of the signs (or words) that stands next is taken.
    fn one_of(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        let found = wanted.iter().find(|wanted| match self.peek() {
            Some(Token::Sign(sign)) => sign == *wanted,
            Some(Token::Name(name)) => name == *wanted,
            _ => false,
        });
        self.next += usize::from(found.is_some());
        found.copied()
    }

    fn expect(&mut self, sign: &'static str) -> Option<()> {
        self.one_of(&[sign]).map(drop)
    }

    /// One level deeper: what recurses, here or in what reads the tree, goes through this.
    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEPTH_MAX).then_some(())
    }

    fn any(&mut self) -> Option<Expr> {
        self.joined(Joint::Or, &["or", "|"], Self::all)
    }

    fn all(&mut self) -> Option<Expr> {
        self.joined(Joint::And, &["and", "&"], Self::negated)
    }

    fn joined(
        &mut self,
        joint: Joint,
        words: &[&'static str],
        part: fn(&mut Self) -> Option<Expr>,
    ) -> Option<Expr> {
        let mut parts = Vec::new();
        loop {
            // What stands beside one another does not add up.
            let depth = self.depth;
            parts.push(part(self)?);
            self.depth = depth;
            if self.one_of(words).is_none() {
                break;
            }
        }
        match parts.len() {
            1 => parts.pop(),
            _ => Some(Expr::Joined(joint, parts)),
        }
    }

    fn negated(&mut self) -> Option<Expr> {
        if self.one_of(&["not"]).is_none() {
            return self.compared();
        }
        self.deeper()?;
        Some(Expr::Not(Box::new(self.negated()?)))
    }

    fn compared(&mut self) -> Option<Expr> {
        let first = self.sum()?;
        let mut others = Vec::new();
        while let Some(comparison) = self.comparison()? {
            others.push((comparison, self.sum()?));
        }
        match others.is_empty() {
            true => Some(first),
            false => Some(Expr::Compared(Box::new(first), others)),
        }
    }

    fn comparison(&mut self) -> Option<Option<Comparison>> {
        if let Some(sign) = self.one_of(&["==", "!=", "<=", ">=", "<", ">"]) {
            return Some(Some(Comparison::Sign(sign)));
        }
        if self.one_of(&["in"]).is_some() {
            return Some(Some(Comparison::In));
        }
        if self.one_of(&["not"]).is_some() {
            return self.expect("in").map(|()| Some(Comparison::NotIn));
        }
        Some(None)
    }

    fn sum(&mut self) -> Option<Expr> {
        self.arithmetic(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Option<Expr> {
        self.arithmetic(&["*", "//", "/", "%"], Self::signed)
    }

    fn arithmetic(
        &mut self,
        signs: &[&'static str],
        part: fn(&mut Self) -> Option<Expr>,
    ) -> Option<Expr> {
        let mut left = part(self)?;
        while let Some(sign) = self.one_of(signs) {
            self.deeper()?;
            left = Expr::Arithmetic(Box::new(left), sign, Box::new(part(self)?));
        }
        Some(left)
    }

    fn signed(&mut self) -> Option<Expr> {
        let Some(sign) = self.one_of(&["-", "+", "~"]) else { return self.power() };
        self.deeper()?;
        let operand = self.signed()?;
        Some(match (sign, operand) {
            ("~", operand) => Expr::Not(Box::new(operand)),
            ("+", operand) => operand,
            (_, Expr::Literal(Json::Number(number))) => Expr::Literal(match number.as_i64() {
                Some(whole) => json!(whole.checked_neg()?),
                None => json!(-number.as_f64()?),
            }),
            (_, operand) => {
                Expr::Arithmetic(Box::new(Expr::Literal(json!(0))), "-", Box::new(operand))
            }
        })
    }

    fn power(&mut self) -> Option<Expr> {
        let base = self.postfix()?;
        if self.one_of(&["**"]).is_none() {
            return Some(base);
        }
        self.deeper()?;
        Some(Expr::Arithmetic(Box::new(base), "**", Box::new(self.signed()?)))
    }

    fn postfix(&mut self) -> Option<Expr> {
        let mut target = self.atom()?;
        while let Some(sign) = self.one_of(&[".", "(", "["]) {
            self.deeper()?;
            let inner = Box::new(target);
            target = match sign {
                "." => match self.take()? {
                    Token::Name(name) => Expr::Attribute(inner, name),
                    _ => return None,
                },
                "(" => Expr::Call(inner, self.arguments()?),
                _ => self.item(inner)?,
            };
        }
        Some(target)
    }

    fn arguments(&mut self) -> Option<Vec<Argument>> {
        let mut arguments = Vec::new();
        while self.one_of(&[")"]).is_none() {
            let is_named = self.tokens.get(self.next + 1) == Some(&Token::Sign("="));
            let name = match self.peek() {
                Some(Token::Name(name)) if is_named => Some(name.clone()),
                _ => None,
            };
            self.next += if name.is_some() { 2 } else { 0 };
            arguments.push(Argument { name, value: self.any()? });
            if self.one_of(&[","]).is_none() {
                self.expect(")")?;
                break;
            }
        }
        Some(arguments)
    }

    /// `[2]`, `[-1]`, `[1:3]`: what one place gives is spelled `.get(2)`.
    fn item(&mut self, target: Box<Expr>) -> Option<Expr> {
        let from = self.place()?;
        if self.one_of(&["]"]).is_some() {
            let place = Argument { name: None, value: Expr::Literal(json!(from?)) };
            return Some(Expr::Call(
                Box::new(Expr::Attribute(target, "get".to_owned())),
                vec![place],
            ));
        }
        self.expect(":")?;
        let to = self.place()?;
        self.expect("]")?;
        Some(Expr::Slice(target, from, to))
    }

    fn place(&mut self) -> Option<Option<i64>> {
        match self.peek() {
            Some(Token::Sign("]" | ":")) => Some(None),
            _ => match self.signed()? {
                Expr::Literal(place) => place.as_i64().map(Some),
                _ => None,
            },
        }
    }

    fn atom(&mut self) -> Option<Expr> {
        self.deeper()?;
        let atom = match self.take()? {
            Token::Quoted(name) => Expr::Name(name),
            Token::Literal(Json::String(mut text)) => {
                // Texts that stand beside one another are one.
                while let Some(Token::Literal(Json::String(more))) = self.peek() {
                    text.push_str(more);
                    self.next += 1;
                }
                Expr::Literal(Json::String(text))
            }
            Token::Literal(literal) => Expr::Literal(literal),
            Token::Name(name) => match name.as_str() {
                "True" => Expr::Literal(json!(true)),
                "False" => Expr::Literal(json!(false)),
                "None" => Expr::Literal(Json::Null),
                "and" | "or" | "not" | "in" | "is" | "if" | "else" | "lambda" | "for" => {
                    return None;
                }
                _ => Expr::Name(name),
            },
            Token::Sign("[") => Expr::List(self.items("]", Vec::new())?),
            Token::Sign("(") => {
                if self.one_of(&[")"]).is_some() {
                    return Some(Expr::List(Vec::new()));
                }
                let first = self.any()?;
                match self.one_of(&[",", ")"])? {
                    "," => Expr::List(self.items(")", vec![first])?),
                    _ => first,
                }
            }
            Token::Sign(_) => return None,
        };
        Some(atom)
    }

    fn items(&mut self, end: &'static str, mut items: Vec<Expr>) -> Option<Vec<Expr>> {
        while self.one_of(&[end]).is_none() {
            items.push(self.any()?);
            if self.one_of(&[","]).is_none() {
                self.expect(end)?;
                break;
            }
        }
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Expr, Joint, parse};

    #[test]
    fn signs_bind_as_pandas_has_them() {
        let joint = |text: &str| match parse(text) {
            Some(Expr::Joined(joint, parts)) => Some((joint, parts.len())),
            _ => None,
        };
        assert_eq!(joint("a > 1 & b < 2 | c == 3"), Some((Joint::Or, 2)));
        assert_eq!(joint("a > 1 and b < 2 and ~c.isnull()"), Some((Joint::And, 3)));
        assert!(matches!(parse("not a == 1"), Some(Expr::Not(_))));
        let Some(Expr::Compared(_, others)) = parse("1 < x <= -2 ** 2") else { panic!() };
        let signs: Vec<Comparison> = others.into_iter().map(|(sign, _)| sign).collect();
        assert_eq!(signs, [Comparison::Sign("<"), Comparison::Sign("<=")]);
        assert_eq!(parse("x in (1, 2,)"), parse("x in [1, 2]"));
        assert_eq!(parse("x == ('a')"), parse("x == 'a'"));
    }

    #[test]
    fn what_is_no_expression_is_none() {
        for wrong in ["", "x = 1", "x is null", "x in", "(x", "x <> 1", "x and", "f(", "a b"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        // Nesting has an end; a long list is none.
        assert_eq!(parse(&format!("{}x{}", "(".repeat(200), ")".repeat(200))), None);
        assert!(parse(&format!("x in [{}]", "-1,".repeat(2_000))).is_some());
        assert!(parse("x > 1 or ".repeat(200).trim_end_matches(" or ")).is_some());
    }
}
