#!/usr/bin/python
# Copyright (c) berth contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: source_archive
short_description: Archive a build context on the controller
version_added: 0.1.0
author:
  - berth contributors (@berth)
description:
  - Writes a gzipped tar of a build context without what its C(.dockerignore) names. Run it with
    C(delegate_to=localhost), then unpack the archive on the server.
requirements:
  - the Docker SDK for Python on the controller
attributes:
  check_mode:
    support: full
    description: Writes nothing.
  diff_mode:
    support: none
    description: The archive is a temporary file.
options:
  context:
    description: The build context.
    type: path
    required: true
  path:
    description: The archive to write.
    type: path
    required: true
  below:
    description:
      - A directory in the archive that everything goes into. The context is then content to mount, a directory or a
        single file, and its C(.dockerignore) is not read.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Archive the backend's build context
  berth.server.source_archive:
    context: ../featuremodels/backend
    path: /tmp/backend.tar.gz
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The archive.
  returned: always
  type: str
  sample: /tmp/backend.tar.gz
"""

import pathlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.berth.server.plugins.module_utils._source import SourceError, write_archive


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "context": {"type": "path", "required": True},
            "path": {"type": "path", "required": True},
            "below": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    if not module.check_mode:
        try:
            context, path = pathlib.Path(module.params["context"]), pathlib.Path(module.params["path"])
            write_archive(context, path, module.params["below"])
        except (SourceError, OSError) as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=True, path=module.params["path"])


if __name__ == "__main__":
    main()
