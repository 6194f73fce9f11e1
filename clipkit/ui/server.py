"""The dashboard's server: Voila inside a Jupyter server that opens nothing else.

Only this machine can reach it, only with the token.  It reads no settings of the person's own
Jupyter, loads no other extension, and its page asks nothing of any other host.  Clips go out by
byte ranges through a route that asks for the token too; Voila's own route for files, which does
not, is shut.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import socket
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_server.base.handlers import AuthenticatedFileHandler
from jupyter_server.serverapp import ServerApp
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from tornado.web import HTTPError
from traitlets.config import Config

from clipkit.errors import ClipkitError, InputError, ResourceError
from clipkit.params import ServiceParams
from clipkit.resources import resource_path

HOST = "127.0.0.1"
MEDIA_URL = "/runs"

# Widgets and plotly build code and styles while they run; nothing may come from or go to another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self'; font-src 'self' data:; connect-src 'self' ws://127.0.0.1:* "
    "ws://localhost:*; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
_SERVED = (".mp4", ".jpg", ".srt")
_STOP_S = 5
_CULL_IDLE_S = 300
_CULL_INTERVAL_S = 60
# A live page's messages belong to the cell that started it; without these it would never count as idle.
_WIDGET_MESSAGES = ["comm_open", "comm_msg", "comm_close", "execute_request"]


class RunFileHandler(AuthenticatedFileHandler):  # type: ignore[misc]
    """Clips, covers and captions below the reports folder, by byte ranges, to whoever has the token."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        """Return the path if it is a finished file of a run and really lies in the folder."""
        if Path(absolute_path).suffix.lower() not in _SERVED:
            raise HTTPError(404)
        if not Path(os.path.realpath(absolute_path)).is_relative_to(os.path.realpath(root)):
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)


class _Server(ServerApp):  # type: ignore[misc]
    reports_dir = Path()

    def load_config_file(self, *_args: object, **_kwargs: object) -> None:
        """Read nothing: a person's Jupyter settings could open what is shut here."""

    def init_webapp(self) -> None:
        super().init_webapp()
        route = (rf"{MEDIA_URL}/(.*)", RunFileHandler, {"path": str(self.reports_dir)})
        self.web_app.add_handlers(".*$", [route])  # type: ignore[no-untyped-call]


def serve(
    reports_dir: str | Path, *, port: int | None = None, token: str | None = None, open_browser: bool = False
) -> None:
    """Serve the dashboard on this machine until it is stopped by Ctrl-C or a signal.

    Parameters
    ----------
    reports_dir : path
        Folder of run folders; it may still be missing.
    port : int, optional
        Port on 127.0.0.1; by default the one in the settings.
    token : str, optional
        Secret that the address carries; a new random one by default.
    open_browser : bool, optional
        Open the page in the person's browser.

    Raises
    ------
    InputError
        If `reports_dir` is a file.
    ResourceError
        If the port is taken or may not be used.
    """
    reports_dir = Path(reports_dir).absolute()
    if reports_dir.exists() and not reports_dir.is_dir():
        message = f"{reports_dir}: the dashboard shows a folder of runs, this is a file."
        raise InputError(message, code="input.not_a_folder")
    port = ServiceParams().dashboard_port if port is None else port
    token = token or secrets.token_urlsafe(24)
    _check_port(port)
    with tempfile.TemporaryDirectory(prefix="clipkit-dashboard-") as folder, _own_settings(Path(folder)):
        _write_notebook(Path(folder) / "site" / "dashboard.ipynb", reports_dir)
        server = _Server.instance(config=_config(Path(folder), port, token, open_browser))
        server.reports_dir = reports_dir
        try:
            server.initialize(argv=[], find_extensions=False)
            # Runs when the server's loop does, after the port was opened there.
            server.io_loop.add_callback(_tell, f"http://{HOST}:{port}/?token={token}")
            try:
                server.start()
            finally:
                _end_tasks(server.io_loop.asyncio_loop)  # type: ignore[attr-defined]
        finally:
            _Server.clear_instance()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    # A page that was being built when the server stopped keeps threads that would keep the process.
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_STOP_S))


def _tell(address: str) -> None:
    print(f"clipkit dashboard: {address}", file=sys.stderr, flush=True)  # noqa: T201


def _config(folder: Path, port: int, token: str, open_browser: bool) -> Config:
    socket_path = str(folder / "runtime" / f"kernel-{uuid.uuid4()}-ipc-5")
    config = Config(
        {
            "ServerApp": {
                "ip": HOST,
                "port": port,
                "port_retries": 0,
                "root_dir": str(folder / "site"),
                "default_url": "/voila/render/dashboard.ipynb",
                "open_browser": open_browser,
                "allow_root": True,
                "answer_yes": True,
                "terminals_enabled": False,
                "jpserver_extensions": {"voila": True},
                "cookie_secret": secrets.token_bytes(32),
                "tornado_settings": {"headers": {"Content-Security-Policy": _POLICY, "Referrer-Policy": "same-origin"}},
                "log_level": "ERROR",
            },
            "IdentityProvider": {"token": token},
            "NotebookNotary": {"db_file": ":memory:"},
            "VoilaConfiguration": {
                "template": "clipkit",
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "file_allowlist": ["media/none"],
                "file_denylist": [".*"],
                "preheat_kernel": False,
                "show_tracebacks": False,
                "page_config_hook": _without_mathjax,
                "extension_denylist": ["dask-labextension", "@jupyterhub/jupyter-server-proxy"],
            },
            # Kernels talk through files that only this person can open, where paths are short enough for it.
            "KernelManager": {"transport": "ipc" if os.name == "posix" and len(socket_path) < 100 else "tcp"},
            "MappingKernelManager": {
                "cull_idle_timeout": _CULL_IDLE_S,
                "cull_interval": _CULL_INTERVAL_S,
                "cull_connected": False,
            },
        }
    )
    config.MappingKernelManager.untracked_message_types.extend(_WIDGET_MESSAGES)
    return config


def _without_mathjax(page_config: dict[str, Any], **_context: Any) -> dict[str, Any]:
    # Else the page asks a public host for MathJax; Voila brings its own.
    return {**page_config, "fullMathjaxUrl": None, "mathjaxConfig": None}


def _write_notebook(path: Path, reports_dir: Path) -> None:
    notebook = load_notebook_node(str(resource_path("notebooks", "dashboard.ipynb")))
    parameters = {"reports_dir": str(reports_dir), "media_url": MEDIA_URL}
    text: str = nbformat.writes(parameterize_notebook(notebook, parameters))  # type: ignore[no-untyped-call]
    path.write_text(text, encoding="utf-8")


@contextmanager
def _own_settings(folder: Path) -> Iterator[None]:
    """Let Jupyter and Voila find our page template, and no settings of the person's own."""
    for name in ("site", "config", "runtime"):
        (folder / name).mkdir()
    templates = str(Path(__file__).parent / "jupyter")
    changed = {
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_CONFIG_PATH": "",
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_PATH": os.pathsep.join(filter(None, (templates, os.environ.get("JUPYTER_PATH")))),
    }
    before, here = {name: os.environ.get(name) for name in changed}, Path.cwd()
    os.environ.update(changed)
    # Voila also reads (and runs) voila.json and voila.py where it is started.
    os.chdir(folder / "site")
    try:
        yield
    finally:
        os.chdir(here)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            message = f"port {port} on {HOST} cannot be used ({error.strerror}): choose another with --port."
            raise ResourceError(message, code="resource.port", retry="never") from error


def main() -> int:
    """Start the dashboard from a shell: ``python -m clipkit.ui.server REPORTS --port 8001``."""
    parser = argparse.ArgumentParser(prog="clipkit dashboard", description="Serve the dashboard on this machine.")
    parser.add_argument("reports", nargs="?", default="reports", help="folder of runs")
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    arguments = parser.parse_args()
    try:
        serve(
            arguments.reports, port=arguments.port, token=os.environ.get("CLIPKIT_TOKEN"), open_browser=arguments.open
        )
    except ClipkitError as error:
        print(error.message, file=sys.stderr)  # noqa: T201
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
