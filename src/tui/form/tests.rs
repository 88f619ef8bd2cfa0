use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::*;
use crate::tui::actions::{Control, Key};

fn key(code: KeyCode) -> Key {
    Key { code, control: Control::Free }
}

fn form() -> Form {
    let regions = Choice::of(["mypurecloud.com", "mypurecloud.ie", "usw2.pure.cloud"], "mypurecloud.com");
    let mut form = Form::new(
        "A form",
        vec![
            Row::words("Words first", Ink::Plain),
            Row::Field(Field::text("name", "Name", "")),
            Row::Field(Field::choice("region", "Region", regions)),
            Row::Field(Field::digits("workers", "Workers", "10")),
            Row::Field(Field::secret("secret", "Secret")),
            Row::Field(Field::tick("production", "Production", true)),
            Row::Buttons(vec![
                Button::new("leave", "Leave"),
                Button::new("save", "Save").may(Err("the name is missing".to_owned())),
            ]),
        ],
        3,
    );
    form.drawn(3);
    form
}

fn types(form: &mut Form, text: &str) -> Vec<Told> {
    text.chars().map(|char| form.press(key(KeyCode::Char(char)))).collect()
}

#[test]
fn every_printable_key_types_into_a_text_field() {
    let mut form = form();
    types(&mut form, "acme q?.:z 山");
    assert_eq!(form.value("name"), "acme q?.:z 山");
    assert_eq!(form.touched, Touched::Yes);
    form.press(Key { code: KeyCode::Char('w'), control: Control::Held });
    form.press(Key { code: KeyCode::Char('u'), control: Control::Held });
    assert_eq!(form.value("name"), "");
}

#[test]
fn tab_and_enter_go_through_the_fields_and_round_the_end() {
    let mut form = form();
    let mut stops = Vec::new();
    for _ in 0..8 {
        stops.push(form.focus.clone());
        form.press(key(KeyCode::Tab));
    }
    assert_eq!(stops, ["name", "region", "workers", "secret", "production", "leave", "save", "name"]);
    form.press(key(KeyCode::BackTab));
    assert_eq!(form.focus, "name");
    form.press(key(KeyCode::Enter));
    assert_eq!(form.focus, "region", "Enter in a text goes on to the next field");
}

#[test]
fn a_list_opens_moves_and_closes_without_leaving_the_form() {
    let mut form = form().focused("region");
    assert_eq!(form.press(key(KeyCode::Right)), Told::Changed("region".to_owned()));
    assert_eq!(form.value("region"), "mypurecloud.ie");
    form.press(key(KeyCode::Enter));
    form.press(key(KeyCode::Down));
    assert_eq!(form.press(key(KeyCode::Esc)), Told::Nothing, "Esc closes the list first");
    assert_eq!(form.value("region"), "mypurecloud.ie");
    form.press(key(KeyCode::Enter));
    form.press(key(KeyCode::Char('u')));
    assert_eq!(form.press(key(KeyCode::Enter)), Told::Changed("region".to_owned()));
    assert_eq!(form.value("region"), "usw2.pure.cloud");
    assert_eq!(form.press(key(KeyCode::Esc)), Told::Leave);
}

#[test]
fn what_can_t_be_taken_says_why() {
    let homes = [
        ("keyring".to_owned(), "keyring".to_owned(), Err("no key store here".to_owned())),
        ("file".to_owned(), "a file".to_owned(), Ok(())),
    ];
    let mut form =
        Form::new("f", vec![Row::Field(Field::choice("home", "Home", Choice::among(homes, "file")))], 0);
    form.press(key(KeyCode::Enter));
    form.press(key(KeyCode::Up));
    assert_eq!(form.press(key(KeyCode::Enter)), Told::Refused("keyring: no key store here".to_owned()));
    assert_eq!(form.value("home"), "file");
}

#[test]
fn a_secret_is_neither_shown_nor_told() {
    let mut form = form().focused("secret");
    form.paste("\r\nhunter2\r\n");
    assert_eq!(form.value("secret"), "");
    let field = form.field("secret").unwrap();
    assert_eq!(field.typed_secret().unwrap().expose(), "hunter2");
    assert!(!format!("{form:?}").contains("hunter2"));
    form.press(key(KeyCode::Backspace));
    assert_eq!(form.field("secret").unwrap().typed_secret().unwrap().expose(), "hunter");
    form.press(Key { code: KeyCode::Char('u'), control: Control::Held });
    assert!(form.field("secret").unwrap().typed_secret().is_none());
}

#[test]
fn a_paste_never_presses_and_a_number_takes_digits_only() {
    let mut form = form().focused("workers");
    form.paste("x2\r\n5\n");
    assert_eq!(form.value("workers"), "1025");
    assert!(matches!(form.press(key(KeyCode::Char('x'))), Told::Refused(_)));
    form = form.focused("save");
    assert!(matches!(form.paste("\r\n"), Told::Refused(_)));
}

#[test]
fn what_is_typed_finds_the_option_that_has_it() {
    let outcomes =
        Choice::of(["leave as it is", "Sale", "Price refused", "No budget", "No interest"], "Sale");
    let row = Row::Field(Field::choice("outcome", "Outcome", outcomes));
    let mut form = Form::new("A form", vec![row], 3);
    form.drawn(3);
    for (typed, meant) in [
        ("refused", "Price refused"),
        ("no i", "No interest"),
        ("le", "leave as it is"),
        ("BUDG", "No budget"),
    ] {
        types(&mut form, typed);
        assert_eq!(form.value("outcome"), meant);
        form.press(key(KeyCode::Enter));
        types(&mut form, "sale");
        assert_eq!(form.value("outcome"), meant, "in an open list it is only marked");
        assert_eq!(form.press(key(KeyCode::Enter)), Told::Changed("outcome".to_owned()));
        assert_eq!(form.value("outcome"), "Sale");
        form.press(key(KeyCode::Enter));
        form.press(key(KeyCode::Esc));
    }
    types(&mut form, "no ixb");
    assert_eq!(form.value("outcome"), "No interest", "what no option has is not typed");
}

#[test]
fn a_button_that_can_t_be_pressed_says_why_and_none_is_pressed_unseen() {
    let mut form = form().focused("save");
    assert_eq!(form.press(key(KeyCode::Enter)), Told::Refused("the name is missing".to_owned()));
    form.press(key(KeyCode::Left));
    assert_eq!(form.press(key(KeyCode::Enter)), Told::Pressed("leave"));
    form.seen = Seen::NotYet;
    assert_eq!(form.press(key(KeyCode::Enter)), Told::Nothing);
}

#[test]
fn new_rows_keep_what_was_typed_and_where_the_keys_are() {
    let mut form = form();
    types(&mut form, "acme");
    form = form.focused("workers");
    form.arrange(vec![
        Row::Field(Field::text("url", "URL", "https://")),
        Row::Field(Field::text("name", "Name", "")),
        Row::Field(Field::digits("workers", "Workers", "4")),
    ]);
    assert_eq!((form.value("name"), form.value("workers"), form.value("url")), ("acme", "10", "https://"));
    assert_eq!(form.focus, "workers");
    form.arrange(vec![Row::Field(Field::text("url", "URL", ""))]);
    assert_eq!(form.focus, "url");
}

#[test]
fn a_click_focuses_ticks_and_presses() {
    let mut form = form();
    assert_eq!(form.click("production"), Told::Changed("production".to_owned()));
    assert!(!form.is_ticked("production"));
    form.click("region");
    assert_eq!(form.choose("mypurecloud.ie"), Told::Changed("region".to_owned()));
    assert_eq!(form.click("leave"), Told::Pressed("leave"));
    assert_eq!(form.click("nothing of the kind"), Told::Nothing);
}

fn any_key() -> impl Strategy<Value = Key> {
    let code = prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        prop::sample::select(vec![
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Enter,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Esc,
            KeyCode::F(5),
        ]),
    ];
    let control = prop_oneof![Just(Control::Free), Just(Control::Held)];
    (code, control).prop_map(|(code, control)| Key { code, control })
}

proptest! {
    #[test]
    fn no_keys_lose_the_focus_or_draw_outside(
        keys in prop::collection::vec(any_key(), 0..80),
        width in 0_u16..90,
        height in 0_u16..30,
    ) {
        let mut form = form();
        for key in keys {
            form.press(key);
            prop_assert!(form.stops().contains(&form.focus.as_str()));
        }
        let area = ratatui::layout::Rect::new(0, 0, width, height);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        let mut spots = crate::tui::spots::Spots::default();
        let look = crate::tui::theme::Look::MONO;
        let at = draw(&form, &mut crate::tui::canvas::Canvas::new(&mut buffer, &mut spots, look));
        if let Some((x, y)) = at {
            prop_assert!(x < width && y < height);
        }
    }
}
