"""The embedded Postgres: shared by processes that come, go and crash, and safe in odd folders."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest

import exit_pipeline
from exit_pipeline.adapters.clients import embedded_postgres, postgres_folder
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

ROOT = Path(exit_pipeline.__file__).parents[1]

AS_ROOT = os.geteuid() == 0

#: Joins the server, says which one, and leaves when its input ends.
CLIENT = """if True:
    import signal, sys
    from pathlib import Path
    from exit_pipeline.adapters.clients import embedded_postgres
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    server = embedded_postgres.start(Path(sys.argv[1]))
    pid = (server.data / "postmaster.pid").read_text().splitlines()[0]
    print(pid, server.url("exit_pipeline"), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home():
    """A folder with a short path, where a test's own server may live."""
    folder = Path(tempfile.mkdtemp(prefix="ep")).resolve()
    yield folder
    embedded_postgres.stop_if_last(folder)
    left_over = postgres_folder.find_postmaster(folder / "postgres")
    if left_over is not None:
        left_over.kill()
    shutil.rmtree(folder)


def run_python(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Client:
    """Another process that uses the server."""

    def __init__(self, home, **environment):
        self.process = run_python(CLIENT, home, **environment)

    def server(self):
        """Wait until it has joined; the server's process id and URL."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        pid, url = line.split()
        return int(pid), url

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        output, complaints = self.process.communicate()
        assert (output, complaints) == ("", "")
        return self.process.returncode


@contextmanager
def bystander():
    """A program that has nothing to do with Postgres, and must survive."""
    with run_python("input()") as process:
        yield process
        assert process.poll() is None
        process.communicate("\n")
    assert process.returncode == 0


def query(url, statement="SELECT current_database()"):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def runs(home):
    return postgres_folder.find_postmaster(home / "postgres") is not None


def kill_server(home):
    process = postgres_folder.find_postmaster(home / "postgres")
    process.kill()
    while runs(home):  # and not until the process is gone, which takes a parent that collects it
        psutil.wait_procs([process], timeout=0.01)


def name_another_process(home, pid):
    """What a crash leaves when the process id has gone to another program since."""
    data = home / "postgres"
    for file in (data / "postmaster.pid", data / ".s.PGSQL.5432.lock"):
        _, *rest = file.read_text().splitlines(keepends=True)
        file.write_text("".join([f"{pid}\n", *rest]))


def refusal(home, kind=ConfigurationError):
    with pytest.raises(kind) as caught:
        embedded_postgres.start(home)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def test_a_fresh_folder_becomes_a_server_with_both_databases(home):
    server = embedded_postgres.start(home)
    for database in ("exit_pipeline", "dagster"):
        assert server.url(database).startswith("postgresql://")
        assert query(server.url(database)) == database


def test_a_second_call_returns_the_same_server(home):
    server = embedded_postgres.start(home)
    assert embedded_postgres.start(home / ".." / home.name) is server


def test_a_url_needs_a_server_that_was_started(home):
    with pytest.raises(RuntimeError, match="start"):
        embedded_postgres.EmbeddedServer(home).url("exit_pipeline")


def test_data_is_there_after_the_server_was_stopped(home):
    query(embedded_postgres.start(home).url("dagster"), "CREATE TABLE kept (); COMMIT; SELECT 1")
    assert embedded_postgres.stop_if_last(home) is True
    assert not runs(home)
    assert embedded_postgres.stop_if_last(home) is False
    url = embedded_postgres.start(home).url("dagster")
    assert query(url, "SELECT to_regclass('kept')") == "kept"


def test_processes_that_start_at_once_on_a_fresh_folder_share_one_server(home):
    clients = [Client(home) for _ in range(4)]
    assert len({client.server() for client in clients}) == 1
    for client in clients:
        client.process.stdin.close()
        client.process.stdin = None
    assert [client.end() for client in clients] == [0, 0, 0, 0]
    assert not runs(home)


def test_the_server_stays_until_the_last_process_leaves(home):
    first, second = Client(home), Client(home)
    first.server()
    _, url = second.server()
    assert embedded_postgres.start(home)
    first.end()
    assert query(url)
    assert embedded_postgres.stop_if_last(home) is False
    assert query(url)
    second.end()
    assert not runs(home)


def test_a_process_that_was_killed_does_not_count(home):
    killed, other = Client(home), Client(home)
    killed.server()
    _, url = other.server()
    killed.end(signal.SIGKILL)
    assert query(url)
    other.end()
    assert not runs(home)


def test_a_server_whose_only_process_was_killed_is_joined_and_then_stopped(home):
    killed = Client(home)
    server = killed.server()
    killed.end(signal.SIGKILL)
    following = Client(home)
    assert following.server() == server
    following.end()
    assert not runs(home)


def test_a_terminated_process_leaves_in_good_order(home):
    client = Client(home)
    client.server()
    assert client.end(signal.SIGTERM) == 128 + signal.SIGTERM
    assert not runs(home)


def test_a_forked_child_keeps_the_server_of_its_parent(home):
    code = """if True:
        import os, sys
        from pathlib import Path
        from exit_pipeline.adapters.clients import embedded_postgres
        embedded_postgres.start(Path(sys.argv[1]))
        if os.fork() == 0:
            sys.stdin.read()
    """
    with run_python(code, home) as parent:
        parent.wait()
        assert runs(home)
        assert embedded_postgres.start(home)
        assert embedded_postgres.stop_if_last(home) is False
        parent.stdin.close()
        parent.stdout.read()  # ends when the child does
    assert not runs(home)


def test_a_killed_server_is_started_again_by_the_next_call_in_the_same_process(home):
    server = embedded_postgres.start(home)
    with closing(psycopg2.connect(server.url("dagster"))):  # its backend outlives the server a bit
        kill_server(home)
        assert embedded_postgres.start(home) is server
    assert query(server.url("exit_pipeline"))


def test_a_killed_server_is_started_again_by_another_process_and_found_by_the_first(home):
    server = embedded_postgres.start(home)
    kill_server(home)
    client = Client(home)
    _, url = client.server()
    assert query(url)
    assert embedded_postgres.start(home) is server
    assert server.url("exit_pipeline") == url
    client.end()
    assert query(url)


def test_a_server_that_was_told_to_stop_and_hangs_is_ended_and_started_again(home):
    """Regression: a stop in the midst of crash recovery left a server that never ended nor served.

    Here its checkpointer is frozen, so that it can't end.
    """
    server = embedded_postgres.start(home)
    postmaster = postgres_folder.find_postmaster(server.data)
    checkpointer = next(one for one in postmaster.children() if "checkpointer" in one.cmdline()[0])
    checkpointer.suspend()
    postmaster.send_signal(signal.SIGINT)
    with pytest.raises(psutil.TimeoutExpired):
        postmaster.wait(timeout=0.5)
    client = run_python(CLIENT, home)
    assert query(client.stdout.readline().split()[1]) == "exit_pipeline"
    client.communicate("")


def test_a_foreign_program_under_the_process_id_of_the_server_survives(home):
    embedded_postgres.start(home)
    kill_server(home)
    with bystander() as program:
        name_another_process(home, program.pid)
        assert query(embedded_postgres.start(home).url("dagster"))
        assert embedded_postgres.stop_if_last(home) is True


def test_a_foreign_program_survives_when_the_server_dies_under_the_last_process(home):
    embedded_postgres.start(home)
    kill_server(home)
    with bystander() as program:
        name_another_process(home, program.pid)
        assert embedded_postgres.stop_if_last(home) is False


def test_the_server_of_another_folder_is_not_taken_for_this_one(home, server):
    embedded_postgres.start(home)
    kill_server(home)
    other = postgres_folder.find_postmaster(server.data)
    name_another_process(home, other.pid)
    assert query(embedded_postgres.start(home).url("dagster"))
    assert embedded_postgres.stop_if_last(home) is True
    assert postgres_folder.find_postmaster(server.data) == other


@pytest.mark.parametrize("content", ["", "-5\n", "no number\n", "999999999\n"])
def test_a_damaged_process_id_file_is_replaced(home, content):
    embedded_postgres.start(home)
    embedded_postgres.stop_if_last(home)
    (home / "postgres" / "postmaster.pid").write_text(content)
    assert query(embedded_postgres.start(home).url("dagster"))


def test_a_folder_that_was_deleted_under_its_server_becomes_a_new_one(home):
    server = embedded_postgres.start(home)
    for path in home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert embedded_postgres.start(home) is server
    assert query(server.url("dagster"))
    assert len([p for p in psutil.process_iter() if postgres_folder._serves(p, server.data)]) == 1


def test_leaving_a_folder_that_was_deleted_does_not_bring_it_back(home):
    embedded_postgres.start(home)
    process = postgres_folder.find_postmaster(home / "postgres")
    shutil.rmtree(home)
    assert embedded_postgres.stop_if_last(home) is False
    assert not home.exists()
    process.kill()
    home.mkdir()


def test_what_a_killed_first_start_left_half_made_is_made_again(home):
    unfinished = home / "postgres.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    assert query(embedded_postgres.start(home).url("dagster"))
    assert not unfinished.exists()


def test_settings_of_the_environment_for_other_servers_and_languages_do_not_matter(home):
    client = Client(home, PGPORT="6543", PGHOST="nowhere.invalid", LANG="xx_YY.UTF-8")
    _, url = client.server()
    assert query(url) == "exit_pipeline"
    client.end()


def test_a_disk_that_takes_no_more_is_said_and_leaves_nothing_half_made(home):
    # A limit on the size of a file stands for the full disk: initdb meets both as a failed write.
    code = """if True:
        import resource, sys
        from pathlib import Path
        from exit_pipeline.adapters.clients import embedded_postgres
        from exit_pipeline.core.model.errors import UnavailableError
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            embedded_postgres.start(Path(sys.argv[1]))
        except UnavailableError as error:
            print(error)
    """
    with run_python(code, home) as process:
        output, complaints = process.communicate()
    assert complaints == ""
    assert output.startswith(f"The embedded Postgres in {home}/postgres failed: ")
    assert output.count("\n") == 1
    assert sorted(path.name for path in home.iterdir()) == ["postgres.lease", "postgres.lock"]
    assert embedded_postgres.start(home)


def test_a_space_in_the_path_is_refused(home):
    assert "contains a space" in refusal(home / "my data")


@pytest.mark.parametrize("name", ["$HOME", "a,b", "it's", "a;b", "(1)"])
def test_a_path_that_a_shell_would_read_is_refused(home, name):
    assert "a shell reads" in refusal(home / name)


def test_unusual_characters_that_are_harmless_are_accepted(home):
    odd = home / "c++@é%=~"
    server = embedded_postgres.start(odd)
    assert query(server.url("dagster")) == "dagster"
    assert embedded_postgres.stop_if_last(odd) is True


def test_a_path_too_long_for_a_socket_is_refused(home):
    text = refusal(home / ("x" * 93))
    assert f"{len(str(home)) + 103} bytes" in text
    assert "EXIT_PIPELINE_HOME" in text


def test_a_missing_parent_is_refused_and_not_created(home):
    assert f"{home}/missing does not exist" in refusal(home / "missing" / "home")
    assert list(home.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(home):
    (home / "file").touch()
    assert "File exists" in refusal(home / "file")
    assert "does not exist" in refusal(home / "file" / "home")


@pytest.mark.parametrize("below", ["", "home"])
def test_a_folder_that_may_not_be_written_is_refused(home, below):
    code = """if True:
        import os, sys
        from pathlib import Path
        from exit_pipeline.adapters.clients import embedded_postgres
        from exit_pipeline.core.model.errors import ConfigurationError
        if os.geteuid() == 0:
            os.setuid(65534)  # root may write everywhere
        try:
            embedded_postgres.start(Path(sys.argv[1]))
        except ConfigurationError as error:
            print(error)
    """
    home.chmod(0o555)
    with run_python(code, home / below) as process:
        output, complaints = process.communicate()
    home.chmod(0o755)
    assert complaints == ""
    assert output.startswith(f"The embedded Postgres cannot use the folder {home / below}")
    assert output.count("\n") == 1


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a folder away")
def test_data_of_another_user_is_refused_and_stays_theirs(home):
    other = pwd.getpwnam("nobody")
    data = home / "postgres"
    data.mkdir()
    os.chown(data, other.pw_uid, other.pw_gid)
    text = refusal(home)
    assert "belongs to the OS user nobody" in text
    assert "runs as root" in text
    assert data.stat().st_uid == other.pw_uid


def test_a_folder_with_other_files_is_refused_and_left_alone(home):
    (home / "postgres").mkdir()
    (home / "postgres" / "letter.txt").write_text("dear")
    assert "no PostgreSQL data" in refusal(home)
    assert (home / "postgres" / "letter.txt").read_text() == "dear"


def test_data_of_another_version_is_refused(home):
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    assert "another major version" in refusal(home)


def test_why_postgres_does_not_start_is_said_in_its_own_words(home):
    data = embedded_postgres.start(home).data
    embedded_postgres.stop_if_last(home)
    (data / "postgresql.conf").write_text("no_such_setting = 1\n")
    assert 'postgresql.conf" contains errors.' in refusal(home, UnavailableError)


def test_a_system_without_file_locks_is_refused(home, monkeypatch):
    monkeypatch.setattr(embedded_postgres, "fcntl", None)
    assert "DATABASE_URL" in refusal(home)
