"""Networks of a test's own: the test starts itself again under unshare(1), and when that ends, however it ends, the
kernel takes away processes, networks and rules. Where that is not allowed the test is skipped, with 77."""

import os
import shutil
import subprocess
import sys

import mesh

INSIDE = "P2PMESH_TEST_INSIDE"


class NamespaceNode(mesh.Node):
    """A p2pmeshd in a network namespace; its control socket is a file, so it is reached from here."""

    def __init__(self, box, namespace, host, name, listen=None, **options):
        super().__init__(box, name, listen=f"{listen or host}:0", **options)
        self.namespace, self.host = namespace, host

    def command(self):
        return ["ip", "netns", "exec", self.namespace, *super().command()]

    @property
    def address(self):
        return f"{self.host}:{self.status()['port']}"


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=mesh.stretched(20))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def run_in(namespace, *command, text=None):
    return run("ip", "netns", "exec", namespace, *command, text=text)


def make(*names):
    """Namespaces of these names, each with its loopback."""
    run("mount", "-t", "tmpfs", "none", "/run")  # of this mount namespace alone
    for name in names:
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")


def join(one, one_address, other, other_address):
    """A cable between two of them; in each it is called after the other end."""
    run("ip", "link", "add", f"to-{other}", "netns", one, "type", "veth", "peer", "name", f"to-{one}", "netns", other)
    for name, far, address in ((one, other, one_address), (other, one, other_address)):
        run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", f"to-{far}")
        run("ip", "-n", name, "link", "set", f"to-{far}", "up")


def enter(script):
    """Starts the script again in namespaces of its own, unless it is there already; 77 where that cannot be."""
    if os.environ.get(INSIDE):
        return
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.append("--map-root-user")
    for tool in ("unshare", "ip", "nft"):
        if not shutil.which(tool):
            sys.exit(skipped(f"{tool} is not installed"))
    # All that the test is going to do, once.
    trial = subprocess.run(
        [*unshare, "sh", "-c", "mount -t tmpfs none /run && ip netns add x && ip netns exec x nft add table inet x"],
        capture_output=True, text=True)
    if trial.returncode != 0:
        sys.exit(skipped(f"network namespaces cannot be made here: {trial.stderr.strip()}"))
    os.environ[INSIDE] = "1"
    os.execvp(unshare[0], [*unshare, sys.executable, "-B", os.path.abspath(script), *sys.argv[1:]])


def skipped(why):
    print(f"skipped: {why}", file=sys.stderr)
    return mesh.SKIPPED
