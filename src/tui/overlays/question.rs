//! A question, with its harmless answer marked first.

use crate::tui::app::{App, Asks, Place, Proof, Question};
use crate::tui::canvas::{self, Canvas};
use crate::tui::layout;
use crate::tui::theme::Ink;
use crate::tui::update::question::{proof_given, wanted_number};
use crate::tui::{numbers, words};

pub(super) fn draw(app: &App, question: &Question, canvas: &mut Canvas<'_>) -> Option<(u16, u16)> {
    let room = layout::full_page(app.size).width.saturating_sub(4);
    let text: Vec<(String, Ink)> = text(app, question)
        .into_iter()
        .flat_map(|(text, ink)| canvas::wrap(&text, room).into_iter().map(move |line| (line, ink)))
        .collect();
    let with_field = question.proof != Proof::Button;
    let rows = u16::try_from(text.len()).unwrap_or(u16::MAX).saturating_add(if with_field { 5 } else { 4 });
    let mut page = canvas.part(layout::page(app.size, rows));
    page.clear();
    page.frame("A question", Ink::FocusFrame);
    page.foot("Esc: don't", Ink::FocusFrame);
    let mut inside = page.inside();
    let mut stands = inside.place(1, 0);
    let mut y = 0;
    // the buttons are more important than the words: those are cut first where there is no room
    let keep = inside.height().saturating_sub(if with_field { 2 } else { 1 });
    for (line, ink) in text.iter().take(usize::from(keep)) {
        inside.write(1, y, line, *ink);
        y += 1;
    }
    y = (y + 1).min(keep);
    if let Proof::Number(typed) = &question.proof {
        let prompt = format!("To go on, type the number {}: ", wanted_number(question));
        let marked = question.marked == Place::Field;
        let x = inside.write(1, y, &prompt, Ink::Plain);
        let field = format!("{}[{typed:<10}]", if marked { "▸" } else { " " });
        inside.write(x, y, &field, if marked { Ink::Strong } else { Ink::Plain });
        if marked {
            let typed = u16::try_from(typed.len()).unwrap_or(0).min(10);
            stands = inside.place(x + 2 + typed, y);
        }
        y += 1;
    }
    let (dont, go) = buttons(question);
    let dont = format!("{}( {dont} )", if question.marked == Place::Dont { "▸" } else { " " });
    let go = format!("{}( {go} )", if question.marked == Place::Do { "▸" } else { " " });
    let right = inside.width().saturating_sub(2);
    let begin = right.saturating_sub(canvas::width(&dont) + canvas::width(&go) + 3);
    let ink = |place: Place| if question.marked == place { Ink::Cursor } else { Ink::Plain };
    let x = inside.write(begin, y, &dont, ink(Place::Dont)) + 3;
    let go_ink = if proof_given(question) { ink(Place::Do) } else { Ink::Dim };
    inside.write(x, y, &go, go_ink);
    match question.marked {
        Place::Dont => inside.place(begin, y),
        Place::Do => inside.place(x, y),
        Place::Field => stands,
    }
}

fn buttons(question: &Question) -> (&'static str, &'static str) {
    match question.asks {
        Asks::Leave => ("Stay", "Pause and leave"),
        Asks::Resend(_) => ("Don't send", "Send"),
    }
}

fn text(app: &App, question: &Question) -> Vec<(String, Ink)> {
    let mut text = Vec::new();
    match &question.asks {
        Asks::Leave => {
            text.push(("Leave this run?".to_owned(), Ink::Strong));
            text.push((String::new(), Ink::Plain));
            let out = app.calls_out();
            let calls = match out {
                0 => "No call is out now.".to_owned(),
                1 => "1 call is out now; it is finished and written down first.".to_owned(),
                _ => format!("{} are out now; they are finished and written down first.", words::calls(out)),
            };
            text.push((calls, Ink::Plain));
            let pending = app.figures().map_or(0, |figures| figures.records.pending);
            let then = match words::going_on(app) {
                Some(go_on) => format!(
                    "The run is paused then, with {} to go. Nothing is lost: {go_on}.",
                    words::some(pending, "record")
                ),
                None => format!("{}.", words::FOR_SHOW),
            };
            text.push((then, Ink::Plain));
        }
        Asks::Resend(items) => {
            let number = u64::try_from(items.len()).unwrap_or(u64::MAX);
            let production = app.figures().is_some_and(|figures| figures.production);
            let profile = app.figures().map(|figures| figures.profile.clone()).unwrap_or_default();
            let on = if production { format!("PRODUCTION {profile}") } else { profile };
            let them = words::some(number, "failure");
            let ink = if production { Ink::Bad } else { Ink::Strong };
            text.push((format!("Send {them} again, on {on}?"), ink));
            text.push((String::new(), Ink::Plain));
            text.push((cost(app, number), Ink::Plain));
            text.push((
                "These are the failures that are open now; ones that come later are not among them. What the \
                 platform refused for its content is refused again if nothing has changed."
                    .to_owned(),
                Ink::Plain,
            ));
        }
    }
    text
}

/// What it costs: calls, and time at the pace that holds.
fn cost(app: &App, number: u64) -> String {
    let calls = format!("At least {}", words::calls(number));
    let pace = app.figures().map(|figures| figures.pace).unwrap_or_default();
    let rate = match (crate::tui::actions::ceiling(app), pace.learnt) {
        (Some(ceiling), Some(learnt)) => Some(ceiling.min(learnt)),
        (ceiling, learnt) => ceiling.or(learnt),
    };
    match rate.filter(|rate| *rate > 0.0) {
        Some(rate) => {
            let tenths = (rate * 10.0).max(1.0);
            let time = std::time::Duration::from_secs(number).mul_f64((10.0 / tenths).min(1000.0));
            format!("{calls}, about {} at {} a second.", numbers::span(time), numbers::rate(rate))
        }
        None => format!("{calls}, as fast as the platform takes them."),
    }
}
