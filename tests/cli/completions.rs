//! Completion scripts for shells.

use super::{Desk, Done};

#[test]
fn every_shell_gets_a_script_that_knows_the_verbs() {
    let desk = Desk::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (script, _) = desk.run(&format!("completions {shell}"));
        for word in ["train", "reproduce", "evaluate", "synth", "info", "lambda"] {
            assert!(script.contains(word), "{shell} lacks {word}");
        }
    }
}

#[test]
fn bash_completes_options_and_values() {
    let desk = Desk::new();
    std::fs::write(desk.path("script"), desk.run("completions bash").0).unwrap();
    let complete = |words: &str| {
        let program = format!(
            "source ./script && COMP_WORDS=({words}) && COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) && \
             _onelayer onelayer \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\" && echo ${{COMPREPLY[@]}}"
        );
        Done::of(&mut desk.program("bash", &["-c", &program])).stdout
    };
    assert_eq!(complete("onelayer tr"), "train\n");
    assert_eq!(complete("onelayer train --lam"), "--lambda\n");
    assert_eq!(complete("onelayer train --engine re"), "reference\n");
}
