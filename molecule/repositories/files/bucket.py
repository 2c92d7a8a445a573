# Copyright: (c) 2026, the ha_recovery authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that speaks S3, of which nothing outlives the process. gunicorn gives it TLS and connections that stay open."""

from __future__ import annotations

import os

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app

s3_backends[DEFAULT_ACCOUNT_ID]["aws"].create_bucket(os.environ["BUCKET"], "eu-central-1")
application = DomainDispatcherApplication(create_backend_app)
