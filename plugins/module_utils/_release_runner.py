# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an app's wanted release serve: plan from records and images, then fetch, start beside, switch, stop the old."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import time
import typing as t

from ansible_collections.berth.server.plugins.module_utils import (
    _compose,
    _files,
    _names,
    _release,
    _routes,
    _service,
    _stack_runner,
)
from ansible_collections.berth.server.plugins.module_utils._docker import PROJECT_LABEL, Docker, DockerError, Run
from ansible_collections.berth.server.plugins.module_utils._leftovers import Leftovers
from ansible_collections.berth.server.plugins.module_utils._probe import probe_routes
from ansible_collections.berth.server.plugins.module_utils._references import replicas_of
from ansible_collections.berth.server.plugins.module_utils._release import Record, ReleaseError, Settings
from ansible_collections.berth.server.plugins.module_utils._release_spec import (
    image_tag,
    private_files,
    project_name,
    stack_spec,
    who_mounts,
)
from ansible_collections.berth.server.plugins.module_utils._release_store import ReleaseStore
from ansible_collections.berth.server.plugins.module_utils._stack_spec import Look, StackSpec
from ansible_collections.berth.server.plugins.module_utils._traefik import wait_until_followed
from ansible_collections.berth.server.plugins.module_utils._traefik_trial import check_route_file
from ansible_collections.berth.server.plugins.module_utils._yaml import to_yaml


class ReleaseRunner:
    """Plans and makes true one app."""

    def __init__(
        self,
        docker: Docker,
        run: Run,
        app: t.Mapping[str, t.Any],
        values: t.Mapping[str, t.Any],
        settings: Settings,
        asked: str | None = None,
    ) -> None:
        """``asked``: the version that a deploy asks for, empty where it names none; None where nobody asks for one."""
        self._docker = docker
        self._run = run
        self._app = app
        self._settings = settings
        self.store = ReleaseStore(settings.root, app["name"])
        self.current = self.store.current()
        self._others = Leftovers(docker, app["name"], app["drain"])
        self._asked = asked is not None
        self._version = _release.choose_version(app, values, self.current, asked or "")
        self._environment = _compose.environment(app, values, self._version)
        self._files = private_files(values, self._version)
        self._references = {s: _release.image_reference(app, s, self._version) for s in app["services"]}
        self.actions: list[str] = []
        self._repair: _stack_runner.StackRunner | None = None
        self.differences: list[dict[str, str]] = []

    @property
    def image_references(self) -> list[str]:
        """Return the images that the look must cover."""
        own = (
            [image_tag(self._app, service, self.current.id) for service in self._app["services"]]
            if self.current
            else []
        )
        return [*self._references.values(), *own]

    @property
    def pulled(self) -> list[str]:
        """Return the images that a deploy that is asked for fetches anew, since their tags may have moved."""
        found = {r for s, r in self._references.items() if s not in self._app["builds"]}
        return sorted(found) if self._asked else []

    def pull(self) -> None:
        """Fetch what the tags lead to now."""
        if not self.pulled:
            return
        with self._before_a_release():
            self._docker.need_room()
            for reference in self.pulled:
                self._docker.pull(reference)

    @contextlib.contextmanager
    def _before_a_release(self) -> t.Iterator[None]:
        """Let a failure of Docker's say that it came before there was a release."""
        try:
            yield
        except DockerError as error:
            raise ReleaseError(f"app {self._app['name']}: no release was made: {error}") from error

    @property
    def missing_sources(self) -> list[dict[str, str]]:
        """Return what must be brought to the server: ``context`` here, ``directory`` there, ``below`` which name."""
        builds = [b for s, b in self._app["builds"].items() if self._images.get(s) is None]
        needed = {self.store.source_directory(b["digest"]): (b["context"], "") for b in builds}
        for mount in self._app.get("mounts", ()):
            needed[self.store.content_directory(mount["digest"])] = (mount["context"], "content")
        return [
            {"context": context, "directory": directory, "below": below}
            for directory, (context, below) in needed.items()
            if not os.path.isdir(directory)
        ]

    def plan(self, look: Look) -> None:
        """Decide between nothing, a repair of the current release, and a new release."""
        self._look = look
        recorded = None if self._asked else self.current
        self._images = _release.known_image_ids(self._references, recorded, look.images)
        missing = sorted({self._references[s] for s, found in self._images.items() if found is None})
        digest = "" if missing else self._digest()
        if self.current is None:
            self.actions = [f"deploy {self._app['name']}: first release"]
        elif missing:
            self.actions = [f"deploy {self._app['name']}: image {', '.join(missing)} is not here yet"]
        elif digest != self.current.digest:
            self.actions = [f"deploy {self._app['name']}: its services, environment or images changed"]
        else:
            self._plan_repair(self.current)

    def _plan_repair(self, current: Record) -> None:
        lost = [s for s in self._app["services"] if image_tag(self._app, s, current.id) not in self._look.images]
        for service in lost:
            # The tag was removed by hand; under it the image is kept, or else the release is made anew.
            if current.images[service]["id"] not in self._docker.image_ids([current.images[service]["id"]]):
                self.actions = [f"deploy {self._app['name']}: the image of {service} is gone"]
                # The recorded id leads nowhere: take what the reference has now, or fetch it.
                self._images = {s: self._look.images.get(reference) for s, reference in self._references.items()}
                return
        current = self.current = self._readdressed(current)
        spec, gone = self._repaired_spec(current)
        self._repair = _stack_runner.StackRunner(self._docker, spec, self._look)
        self.actions = [f"bring {path}" for path in gone] + [f"tag image of {service}" for service in lost]
        self.actions += [str(a) for a in self._repair.actions]
        if current.status != "serving":
            self.actions.append(f"finish release {current.id}, whose deploy was interrupted")
        # What an interrupted run left behind beside the release that serves.
        own = {_compose.APP_LABEL: self._app["name"]}.items()
        left = [p for p, c in self._look.containers.items() if own <= c[0]["Config"]["Labels"].items()]
        serving = project_name(self._app, current.id)
        self.actions += [f"stop {p}: it does not serve" for p in sorted(left) if p != serving]
        idle = self._others.networks(self._look.networks, serving)
        self.actions += [f"remove network {network}: what ran on it has ended" for network in idle]
        self.differences = list(self._repair.differences)
        self.actions += [f"write {file.path}" for file in self._repair.files]
        wanted = self._route_file(current.addresses)
        found = _files.read_file(os.path.join(self._settings.dynamic, wanted.path))
        if self._app["routes"] and _files.differs(wanted, found):
            self.actions.append(f"write route file {wanted.path}")
            self.differences.append(_files.describe_difference(self._settings.dynamic, wanted, found))

    def _readdressed(self, current: Record) -> Record:
        """Return the record with addresses of the edge network, which may have been made anew with another range."""
        edge = self._app["edge"]
        if not current.addresses or edge not in self._look.networks:
            return current
        if _release.are_of(current.addresses, self._docker.subnet(edge)):
            return current
        return dataclasses.replace(current, addresses=self._addresses())

    def _digest(self) -> str:
        images = t.cast("dict[str, str]", self._images)
        return _release.release_digest(self._app, self._version, self._environment, images, self._files)

    def apply(self) -> Record:
        """Carry out the plan; return the record of the release that serves afterwards."""
        with self.store.lock():
            if self._repair is not None and self.current is not None:
                for service in self._app["services"]:
                    self._docker(
                        "tag", self.current.images[service]["id"], image_tag(self._app, service, self.current.id)
                    )
                self._try_routes(self.current.addresses)
                self.store.write_record(self.current)  # its addresses may be new ones
                self._repair.apply()
                self._switch(self.current.addresses)
                self._others.stop(project_name(self._app, self.current.id))
                if self.current.status == "serving":
                    return self.current
                return self._finish(self.current, "serving", time.monotonic())
            started = time.monotonic()
            with self._before_a_release():
                record = self._prepare()
            try:
                self._start(record)
                self._switch(record.addresses)
            except Exception as error:  # whatever it was, the old release is to serve on
                self._abandon(record)
                self._finish(record, "failed", started, str(error))
                raise ReleaseError(f"app {self._app['name']}: release {record.id} was not made: {error}") from error
            self.store.make_current(record.id)
            self._others.stop(project_name(self._app, record.id))
            record = self._finish(record, "serving", started)
            self._prune(record)
            return record

    def _prepare(self) -> Record:
        """Fetch images and fix all that the release is made of."""
        if None in self._images.values():
            self._docker.need_room()
        for service, reference in self._references.items():
            if self._images[service] is not None:
                continue
            if service in self._app["builds"]:
                build = self._app["builds"][service]
                directory = self.store.source_directory(build["digest"])
                self._docker(*_service.build_command({**build, "context": directory}, reference, "/"))
            else:
                self._docker.pull(reference)
            found = self._docker.image_ids([reference])[reference]
            self._images.update({s: found for s, r in self._references.items() if r == reference})
        digest = self._digest()
        release = _release.release_id(digest, datetime.datetime.now(datetime.timezone.utc))
        record = Record(
            id=release,
            digest=digest,
            version=self._version,
            images={s: {"reference": self._references[s], "id": str(i)} for s, i in self._images.items()},
            addresses=self._addresses(),
            mounts=sorted(mount["digest"] for mount in self._app.get("mounts", ())),
            started=f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            by=self._settings.by,
        )
        self.store.write_record(record)
        for service, image in self._images.items():
            self._docker("tag", str(image), image_tag(self._app, service, release))
        for volume in self._app["volumes"]:
            name = _names.volume(self._app["name"], volume)
            self._docker("volume", "create", "--label", f"{_compose.APP_LABEL}={self._app['name']}", name)
        return record

    def _addresses(self) -> dict[str, list[str]]:
        services = {s: len(replicas_of(self._app, s)) for s in _compose.routed_services(self._app)}
        if not services:
            return {}
        edge = self._app["edge"]
        return _release.free_addresses(self._docker.subnet(edge), self._docker.fixed_addresses(edge), services)

    def _start(self, record: Record) -> None:
        images = {image_tag(self._app, s, record.id): record.images[s]["id"] for s in self._app["services"]}
        look = Look(containers={}, networks=self._docker.network_ids(), images=images)
        runner = _stack_runner.StackRunner(self._docker, self._spec(record), look)
        runner.apply(before=lambda: self._before_start(record))
        probe_routes(self._app["routes"], record.addresses, self._settings.timeout)

    def _before_start(self, record: Record) -> None:
        self._try_routes(record.addresses)  # before anything is migrated or stopped
        command = self._app["release_command"]
        if command:
            spec = self._spec(record)
            # GNU timeout ends the client with TERM, which Compose passes on to the one-off.
            self._docker.compose(
                spec.name,
                spec.compose_files,
                "run",
                "--rm",
                "--no-deps",
                "--no-TTY",
                "--interactive=false",
                _compose.RELEASE_COMMAND,
                timeout=command["timeout"],
            )
        if self.current:
            for service in self._exclusive_containers(self.current.id):
                self._docker("stop", service)

    def _switch(self, addresses: t.Mapping[str, t.Sequence[str]]) -> None:
        """Lead requests to these addresses; on failure to where they went before."""
        transaction = _files.FileTransaction(self._settings.dynamic)
        file = self._route_file(addresses)
        if not self._app["routes"]:
            transaction.remove(file.path)
            return
        transaction.write(file)
        wanted = self._routes(addresses)
        try:
            wait_until_followed(self._docker, self._run, self._settings.traefik, self._app["name"], wanted)
        except Exception:
            transaction.undo()
            raise

    def _try_routes(self, addresses: t.Mapping[str, t.Sequence[str]]) -> None:
        """Let a throwaway Traefik read the route file: a mistake in it would freeze the routes of all."""
        if self._app["routes"]:
            routers, file = self._routes(addresses)["http"]["routers"], self._route_file(addresses)
            check_route_file(self._docker, self._settings.traefik, self._settings.dynamic, file, routers)

    def _abandon(self, record: Record) -> None:
        """Let the old release's exclusive services go on, then remove the new release; one failure stops neither."""
        if self.current:
            for container in self._exclusive_containers(self.current.id):
                with contextlib.suppress(DockerError):
                    self._docker("start", container)
        with contextlib.suppress(DockerError):
            self._docker("compose", "--project-name", project_name(self._app, record.id), "down", "--timeout", "10")

    def _exclusive_containers(self, release: str) -> list[str]:
        names = [f"{self._app['name']}-{service}-{release}" for service in self._app["exclusive"]]
        return [
            c["Id"]
            for c in self._docker.containers(f"label={PROJECT_LABEL}={project_name(self._app, release)}")
            if c["Name"].lstrip("/") in names
        ]

    def _finish(self, record: Record, status: str, started: float, error: str = "") -> Record:
        record = dataclasses.replace(record, status=status, seconds=round(time.monotonic() - started, 1), error=error)
        self.store.write_record(record)
        self.store.append_log(record)
        return record

    def _prune(self, current: Record) -> None:
        records = {release: self.store.record(release) for release in self.store.releases()}
        served = [release for release, record in records.items() if record and record.status == "serving"]
        pruned = _release.to_prune(list(records), {current.id, *self._others.busy()}, served, self._settings.keep)
        tags = [
            image_tag(self._app, s, release)
            for release in pruned
            if (record := records[release])
            for s in record.images
        ]
        for tag in sorted(self._docker.image_ids(tags)):
            self._docker("image", "rm", tag)
        for release in pruned:
            self.store.remove(release)
        mounted = {digest for r, record in records.items() if record and r not in pruned for digest in record.mounts}
        self.store.prune_sources({b["digest"] for b in self._app["builds"].values()}, mounted | {*current.mounts})

    def _spec(self, record: Record, restart: t.Collection[str] = ()) -> StackSpec:
        directory, timeout = self.store.release_directory(record.id), self._settings.timeout
        return stack_spec(self._app, record, self._environment, self._files, directory, timeout, restart)

    def _repaired_spec(self, record: Record) -> tuple[StackSpec, list[str]]:
        """Return the release's stack, and the content that is gone; who mounts what comes back is to be restarted."""
        directory = self.store.release_directory(record.id)
        edited = [f for f in self._files if _files.differs(f, _files.read_file(os.path.join(directory, f.path)))]
        gone = [source["directory"] for source in self.missing_sources if source["below"]]
        return self._spec(record, who_mounts(self._app, edited, gone)), gone

    def _route_file(self, addresses: t.Mapping[str, t.Sequence[str]]) -> _files.File:
        return _files.File(f"app-{self._app['name']}.yml", to_yaml(self._routes(addresses)))

    def _routes(self, addresses: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
        return _routes.route_file(self._app, addresses, self._settings.entry_point, self._settings.tls)
