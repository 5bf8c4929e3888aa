//! From words to what is called: a parser that keeps nothing but the names of functions.

use super::token::{Token, tokens};

/// How deep expressions may be nested in each other, as in Envoy.
const DEEPEST: u32 = 32;

const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The functions that an expression calls; the error is a clause that says why it is none.
pub(super) fn functions(expression: &str) -> Result<Vec<&str>, String> {
    let mut parser = Parser { tokens: tokens(expression)?, at: 0, depth: 0, calls: Vec::new() };
    if parser.tokens.is_empty() {
        return Err("it is empty".to_owned());
    }
    parser.expression()?;
    match parser.peek() {
        None => Ok(parser.calls),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: u32,
    calls: Vec<&'a str>,
}

/// Operators between two operands, those that bind less first.
const BINARY: [&[&str]; 5] = [&["||"], &["&&"], &["<=", ">=", "==", "!=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(s)) if s == sign);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(format!("{}; {sign:?} is missing", self.unexpected())) }
    }

    fn unexpected(&self) -> String {
        match self.peek() {
            None => "it ends too early".to_owned(),
            Some(Token::Name(name)) => format!("{name:?} is out of place"),
            Some(Token::Sign(sign)) => format!("{sign:?} is out of place"),
            Some(Token::Literal) => "a literal is out of place".to_owned(),
        }
    }

    fn expression(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} deep"));
        }
        self.binary(0)?;
        if self.take("?") {
            self.binary(0)?;
            self.need(":")?;
            self.expression()?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn binary(&mut self, level: usize) -> Result<(), String> {
        let Some(operators) = BINARY.get(level) else { return self.unary() };
        self.binary(level + 1)?;
        loop {
            let relation = level == 2 && self.peek() == Some(Token::Name("in"));
            let operator = matches!(self.peek(), Some(Token::Sign(s)) if operators.contains(&s));
            if !relation && !operator {
                return Ok(());
            }
            self.at += 1;
            self.binary(level + 1)?;
        }
    }

    fn unary(&mut self) -> Result<(), String> {
        let sign = if self.take("!") {
            "!"
        } else if self.take("-") {
            "-"
        } else {
            return self.member();
        };
        while self.take(sign) {}
        self.member()
    }

    fn member(&mut self) -> Result<(), String> {
        self.primary()?;
        loop {
            if self.take(".") {
                let name = self.name(false)?;
                self.arguments(name)?;
            } else if self.take("[") {
                self.expression()?;
                self.need("]")?;
            } else if self.take("{") {
                return Err("it makes a message, which Envoy does not allow".to_owned());
            } else {
                return Ok(());
            }
        }
    }

    fn primary(&mut self) -> Result<(), String> {
        if self.take("(") {
            self.expression()?;
            return self.need(")");
        }
        if self.take("[") {
            return self.list("]");
        }
        if self.take("{") {
            return self.pairs("}");
        }
        if self.peek() == Some(Token::Literal) {
            self.at += 1;
            return Ok(());
        }
        self.take(".");
        let name = self.name(true)?;
        self.arguments(name)
    }

    fn name(&mut self, first: bool) -> Result<&'a str, String> {
        match self.peek() {
            Some(Token::Name(name)) if !first || !RESERVED.contains(&name) => {
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The arguments of a call, if the name is followed by some.
    fn arguments(&mut self, name: &'a str) -> Result<(), String> {
        if !self.take("(") {
            return Ok(());
        }
        self.calls.push(name);
        let start = self.at;
        self.list(")")?;
        let argument = &self.tokens[start..self.at - 1];
        let is_field = matches!(argument, [.., Token::Sign("."), Token::Name(_)]);
        if name == "has" && !is_field {
            return Err("has() is for a field, as in has(a.b)".to_owned());
        }
        Ok(())
    }

    fn list(&mut self, end: &str) -> Result<(), String> {
        while !self.take(end) {
            self.expression()?;
            if !self.take(",") {
                return self.need(end);
            }
        }
        Ok(())
    }

    fn pairs(&mut self, end: &str) -> Result<(), String> {
        while !self.take(end) {
            self.expression()?;
            self.need(":")?;
            self.expression()?;
            if !self.take(",") {
                return self.need(end);
            }
        }
        Ok(())
    }
}
