//! A stack in the wrong order does not compile, and the compiler says so in words.

#[test]
fn a_wrong_order_does_not_compile() {
    // What the compiler says around our words changes with its version.
    if std::env::var_os("COMPILER_MESSAGES").is_none() {
        println!("skipped: `COMPILER_MESSAGES` is not set");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/right_*.rs");
    cases.compile_fail("tests/ui/wrong_*.rs");
}
