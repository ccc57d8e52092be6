#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_webhook_fuzz::differential(data));

#[cfg(not(fuzzing))]
fn main() {
    println!("this is for libFuzzer: see `run`");
}
