//! What a type reads, found out by letting it read.
//!
//! A type is asked to read again and again, each time down another path of fields. At the end of the path it is noted
//! what it asks for there, which is where the next paths begin.

mod asking;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;

use asking::Asking;

/// What is read in one place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Bool,
    /// With the least and the greatest.
    Integer(i64, u64),
    Number,
    Text,
    Duration,
    /// Any of these words.
    Word(Vec<String>),
    /// Whatever there is.
    Any,
    List(Box<Shape>),
    Map(Box<Shape>),
    /// A struct's name and its fields; of each group of the second part, only one may be there.
    Fields(&'static str, BTreeMap<String, Shape>, Vec<Vec<String>>),
}

/// One step down.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// A field by its serde name.
    Field(&'static str),
    /// A field of a oneof: the serde name of all, and the one.
    OneOf(&'static str, &'static str),
    /// A variant of an enum.
    Variant(&'static str),
    /// Any entry of a list or a map.
    Entry,
}

/// What a type asked for.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Leaf(Shape),
    List,
    Map,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    Nothing,
}

/// The shape of what a type reads.
pub(crate) fn of<T: for<'de> Deserialize<'de>>() -> Shape {
    explore(&|path: &[Way]| ask::<T>(path), &mut Vec::new(), &mut Vec::new())
}

fn ask<T: for<'de> Deserialize<'de>>(path: &[Way]) -> Asked {
    let asked = Rc::new(RefCell::new(Asked::Nothing));
    let result = T::deserialize(Asking { path, asked: asked.clone() });
    let asked = asked.borrow().clone();
    match result {
        Err(error) if asked == Asked::Leaf(Shape::Text) && error.0.contains("is not a duration") => {
            Asked::Leaf(Shape::Duration)
        }
        _ => asked,
    }
}

fn explore(ask: &dyn Fn(&[Way]) -> Asked, path: &mut Vec<Way>, within: &mut Vec<&'static str>) -> Shape {
    let down = |way: Way, path: &mut Vec<Way>, within: &mut Vec<&'static str>| {
        path.push(way);
        let shape = explore(ask, path, within);
        path.pop();
        shape
    };
    match ask(path) {
        Asked::Leaf(shape) => shape,
        Asked::List => Shape::List(Box::new(down(Way::Entry, path, within))),
        Asked::Map => Shape::Map(Box::new(down(Way::Entry, path, within))),
        // A type within itself.
        Asked::Struct(name, _) if within.iter().filter(|w| **w == name).count() > 2 => Shape::Any,
        Asked::Struct(name, names) => {
            within.push(name);
            let (mut fields, mut groups) = (BTreeMap::new(), Vec::new());
            for name in names {
                if name.contains('|') {
                    let variants: Vec<&'static str> = name.split('|').collect();
                    for variant in &variants {
                        fields.insert((*variant).to_owned(), down(Way::OneOf(name, variant), path, within));
                    }
                    groups.push(variants.into_iter().map(str::to_owned).collect());
                } else {
                    fields.insert((*name).to_owned(), down(Way::Field(name), path, within));
                }
            }
            within.pop();
            Shape::Fields(name, fields, groups)
        }
        Asked::Enum(name, variants) => {
            within.push(name);
            let named = variants.iter().filter(|v| !v.is_empty());
            let shapes: BTreeMap<String, Option<Shape>> = named
                .map(|variant| {
                    path.push(Way::Variant(variant));
                    let bare = ask(path) == Asked::Nothing;
                    path.pop();
                    ((*variant).to_owned(), (!bare).then(|| down(Way::Variant(variant), path, within)))
                })
                .collect();
            within.pop();
            if shapes.values().all(Option::is_none) {
                return Shape::Word(shapes.into_keys().collect());
            }
            let names: Vec<String> = shapes.keys().cloned().collect();
            Shape::Fields(name, shapes.into_iter().map(|(n, s)| (n, s.unwrap_or(Shape::Any))).collect(), vec![names])
        }
        Asked::Nothing => Shape::Any,
    }
}
