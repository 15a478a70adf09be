import pytest

from exit_pipeline.adapters.clients.address import Address
from exit_pipeline.core.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        pytest.param({}, "https://api.acme.test", id="the vendor"),
        pytest.param({"ACME_URL": ""}, "https://api.acme.test", id="an empty setting"),
        pytest.param({"ACME_URL": "http://127.0.0.1:81"}, "http://127.0.0.1:81", id="a test"),
        pytest.param({"ACME_URL": "http://127.0.0.1:81/"}, "http://127.0.0.1:81", id="a slash"),
    ],
)
def test_requests_go_to_the_vendor_or_to_a_server_on_this_machine(environ, url):
    assert Address.of("api.acme.test", environ, "ACME_URL").url == url


@pytest.mark.parametrize(
    "local",
    [
        "http://api.acme.test",
        "https://api.acme.test",
        "https://api.acme.test.evil.test",
        "https://evil.test",
        "https://user:pass@api.acme.test",
        "http://user:pass@127.0.0.1:80",
        "http://127.0.0.1:80?key=1",
        "http://127.0.0.1:80/api",
        "https://127.0.0.1:80",
        "http://localhost:80",
        "http://127.0.0.1.evil.test",
        "http://127.0.0.1:80@evil.test",
        "ftp://127.0.0.1",
        "api.acme.test",
        "http://[",
    ],
)
def test_nothing_else_is_spoken_to(local):
    with pytest.raises(ConfigurationError) as refused:
        Address.of("api.acme.test", {"ACME_URL": local}, "ACME_URL")
    assert str(refused.value) == (
        "ACME_URL is for tests and may only be http://127.0.0.1:<port>; unset it to use "
        "https://api.acme.test"
    )
