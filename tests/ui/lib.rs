//! What the compiler says to a stack in the wrong order. The twins in the right order are compiled by `it/order.rs`.

#[test]
fn a_wrong_order_does_not_compile() {
    trybuild::TestCases::new().compile_fail("wrong_*.rs");
}
