"""A run in this process that takes itself for one of a worker of pytest-xdist."""


class AsWorker:
    """A plugin for ``project.run(plugins=[...])``, with what the controller would have sent."""

    def __init__(self, **workerinput):
        self.input = {"workercount": 1, "workerid": "gw0", **workerinput}
        self.output = {}

    def pytest_load_initial_conftests(self, early_config):
        early_config.workerinput, early_config.workeroutput = self.input, self.output
