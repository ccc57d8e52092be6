//! Stacks in the wrong order do not compile, and say why; their twins in the right order do.

#[path = "../ui/right_order.rs"]
mod right_order;
#[path = "../ui/right_verify_only.rs"]
mod right_verify_only;
#[path = "../ui/right_window.rs"]
mod right_window;

#[test]
fn the_right_orders_compile() {
    right_order::main();
    right_verify_only::main();
    right_window::main();
}

#[test]
fn a_wrong_order_does_not_compile() {
    // What the compiler says around our words changes with its version.
    if std::env::var_os("COMPILER_MESSAGES").is_none() {
        println!("skipped: `COMPILER_MESSAGES` is not set");
        return;
    }
    let cases = trybuild::TestCases::new();
    // Their twins are above: with none to run among them, dependencies are only checked.
    cases.compile_fail("tests/ui/wrong_*.rs");
}
