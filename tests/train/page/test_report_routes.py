"""The report and the tables are shown where they are, and else the commands that make them."""


def test_the_report_is_shown_in_a_frame_that_runs_nothing(client, settings):
    settings.report.write_text("<!doctype html><h1>Report</h1>")
    assert "report/page" in client.get("report").text
    response = client.get("report/page")
    assert response.text == settings.report.read_text()
    assert "sandbox" in response.headers["content-security-policy"]
    assert "script-src" not in response.headers["content-security-policy"]


def test_a_missing_report_names_its_command(client, settings):
    assert f"{settings.report} does not exist: run <code>aucue report</code> first" in client.get("report").text
    response = client.get("report/page", headers={"accept": "text/html"})
    assert response.status_code == 400
    assert "run `aucue report` first" in response.text


def test_tables_are_shown(client, settings):
    settings.tables.mkdir()
    (settings.tables / "methods.csv").write_text('method,CL\ncam,"<b>90.2</b>"\n')
    text = client.get("report").text
    assert '<th scope="col">method</th><th scope="col">CL</th>' in text
    assert "<td>cam</td><td>&lt;b&gt;90.2&lt;/b&gt;</td>" in text
    assert "<img" not in text
    (settings.tables / "lambda.png").write_bytes(b"\x89PNG")
    assert "report/lambda.png" in client.get("report").text
    assert client.get("report/lambda.png").content == b"\x89PNG"


def test_a_table_of_another_program_is_shown_as_far_as_it_can_be_read(client, settings):
    settings.tables.mkdir()
    (settings.tables / "methods.csv").write_bytes("méthode,CL\n".encode("latin-1"))
    response = client.get("report")
    assert response.status_code == 200
    assert "m\ufffdthode" in response.text


def test_missing_tables_name_their_command(client):
    assert "run <code>aucue tables</code> first" in client.get("report").text
    assert client.get("report/lambda.png").status_code == 400
