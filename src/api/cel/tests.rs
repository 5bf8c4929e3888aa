use super::check;

#[test]
fn expressions_of_the_documentation_are_taken() {
    for good in [
        "response.code >= 400",
        "response.code >= 500 || connection.mtls == false",
        "!request.url_path.startsWith('/healthz')",
        "response.duration > duration('500ms')",
        "request.url_path.startsWith('/api') ? 'api' : 'other'",
        "has(request.headers.id) && request.headers[\"x-id\"] in ['a', 'b',]",
        "xds.cluster_metadata.filter_metadata['istio']['services'][0].host",
        "-1.5e3 < 0x1Fu // a comment",
        "r'\\d' == b'''two\nlines''' || {'a': 1}.a == 1",
        "request.path.matches('^/x$')",
        "!!(a)[0]",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
}

#[test]
fn what_envoy_cannot_read_is_told_by_its_word() {
    for (bad, why) in [
        ("", "it is empty"),
        ("response.code >=", "it ends too early"),
        ("response.code = 200", "'=' means nothing here"),
        ("response.code >= 400 and x", "\"and\" is out of place"),
        ("a ? b", "it ends too early; \":\" is missing"),
        ("'open", "a string has no end"),
        ("f(1", "it ends too early; \")\" is missing"),
        ("'\\q' == x", "a string has the unknown escape \\q"),
        ("99999999999999999999 > 1", "99999999999999999999 is too large a number"),
        ("while == 1", "\"while\" is out of place"),
        ("has(request.headers['x-id'])", "has() is for a field, as in has(a.b)"),
        ("string(1) == '1'", "there is no function string()"),
        ("Foo{a: 1} == 1", "it makes a message, which Envoy does not allow"),
        ("now() > 1", "there is no function now()"),
        ("request.headers.exists(h, h == 'x')", "exists() goes through a list, which Envoy does not allow"),
    ] {
        assert_eq!(check(bad), Err(why.to_owned()), "{bad}");
    }
    assert!(check(&"(".repeat(1000)).is_err());
}
