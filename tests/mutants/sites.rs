//! Where the switches of a file go: the smallest expression, arm or body that holds what is changed.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use anyhow::{Context as _, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Genre, Mutant, Place};

pub enum Kind {
    /// Before the first statement of a body.
    Head,
    /// Nothing: an error about all arms of a `match` is one about those that are deleted.
    Match,
    /// Behind the pattern of an arm without a guard.
    Arm,
    /// Around the guard of an arm.
    GuardedArm,
    /// Around an expression.
    Choice,
}

pub struct Site {
    pub at: Range<usize>,
    pub kind: Kind,
    /// Numbers, and what stands there instead.
    pub mutants: Vec<(usize, String)>,
}

/// The places for these mutants of one file. A mutant without a place cannot be switched.
pub fn find(text: &str, mutants: &[(usize, &Mutant)]) -> Result<Vec<Site>> {
    let file = syn::parse_file(text).context("a source that does not parse")?;
    let lines = Lines::of(text);
    let mut finder = Finder {
        text,
        wanted: HashMap::new(),
        fixed: Vec::new(),
        sites: Vec::new(),
    };
    let mut heads: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (number, mutant) in mutants {
        let at = lines.offset(mutant.span.start)..lines.offset(mutant.span.end);
        if mutant.genre == Genre::FnValue {
            let all = heads.entry((at.start, at.end)).or_default();
            all.push((*number, mutant.replacement.clone()));
        } else {
            let all = finder.wanted.entry((at.start, at.end)).or_default();
            all.push((*number, mutant.replacement.clone()));
        }
    }
    finder.visit_file(&file);
    let Finder {
        fixed, mut sites, ..
    } = finder;
    sites.extend(heads.into_iter().map(|((start, end), mutants)| Site {
        at: start..end,
        kind: Kind::Head,
        mutants,
    }));
    sites.retain(|site| !fixed.iter().any(|range| range.contains(&site.at.start)));
    Ok(sites)
}

struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// Lines and columns count from 1, columns in characters.
    fn offset(&self, place: Place) -> usize {
        let start = self.starts[place.line - 1];
        let line = &self.text[start..];
        let within = line
            .char_indices()
            .nth(place.column - 1)
            .map_or(line.len(), |(at, _)| at);
        start + within
    }
}

struct Finder<'a> {
    text: &'a str,
    wanted: HashMap<(usize, usize), Vec<(usize, String)>>,
    /// What is evaluated by the compiler.
    fixed: Vec<Range<usize>>,
    sites: Vec<Site>,
}

impl Finder<'_> {
    fn take(&mut self, changed: &Range<usize>) -> Vec<(usize, String)> {
        self.wanted
            .remove(&(changed.start, changed.end))
            .unwrap_or_default()
    }

    /// Puts a choice around `whole` for each mutant that changes `part` of it.
    fn choose(&mut self, whole: Range<usize>, part: Range<usize>) {
        let mutants = self.take(&part);
        let (before, after) = (
            &self.text[whole.start..part.start],
            &self.text[part.end..whole.end],
        );
        let write = |(number, text)| (number, format!("{before}{text}{after}"));
        let mutants = mutants.into_iter().map(write).collect();
        self.put(whole, Kind::Choice, mutants);
    }

    fn put(&mut self, at: Range<usize>, kind: Kind, mutants: Vec<(usize, String)>) {
        if !mutants.is_empty() {
            self.sites.push(Site { at, kind, mutants });
        }
    }
}

fn range(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        self.choose(range(binary), range(&binary.op));
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        self.choose(range(unary), range(&unary.op));
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_struct(&mut self, built: &'ast syn::ExprStruct) {
        for pair in built.fields.pairs() {
            // With its comma, where it has one.
            self.choose(range(built), range(&pair));
        }
        visit::visit_expr_struct(self, built);
    }

    fn visit_expr_match(&mut self, matched: &'ast syn::ExprMatch) {
        let mut deleted = Vec::new();
        for arm in &matched.arms {
            let mutants = self.take(&range(arm));
            let end = range(&arm.pat).end;
            let (at, kind) = match &arm.guard {
                None => (end..end, Kind::Arm),
                Some((_, guard)) => (range(guard), Kind::GuardedArm),
            };
            deleted.extend_from_slice(&mutants);
            self.put(at, kind, mutants);
            if let Some((_, guard)) = &arm.guard {
                self.choose(range(guard), range(guard));
            }
        }
        self.put(range(matched), Kind::Match, deleted);
        visit::visit_expr_match(self, matched);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.sig.constness.is_some() {
            self.fixed.push(range(&item.block));
        }
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.sig.constness.is_some() {
            self.fixed.push(range(&item.block));
        }
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.fixed.push(range(&item.expr));
        visit::visit_item_const(self, item);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.fixed.push(range(&item.expr));
        visit::visit_impl_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.fixed.push(range(&item.expr));
        visit::visit_item_static(self, item);
    }

    fn visit_expr_const(&mut self, block: &'ast syn::ExprConst) {
        self.fixed.push(range(block));
        visit::visit_expr_const(self, block);
    }
}
