# SPDX-License-Identifier: MIT
"""An administrator's day with ThingsBoard's official REST client: `python tb_rest_story.py URL FILE`.

Runs in the client's own environment, without this project. Prints what it saw as one JSON object.
"""

import json
import sys
import time
from pathlib import Path

from tb_rest_client.models import Device, DeviceProfile, SaveDeviceWithCredentialsRequest, SaveOtaPackageInfoRequest
from tb_rest_client.rest import ApiException
from tb_rest_client.rest_client import RestClient

WAIT_S = 10


def refused(call, *arguments) -> list:
    """[status, errorCode] of the server's refusal."""
    try:
        call(*arguments)
    except ApiException as error:
        return [error.status, json.loads(error.body)["errorCode"]]
    return []


def attributes(client, device) -> dict:
    return {entry.key: entry.value for entry in client.get_attributes_by_scope(device.id, "SHARED_SCOPE")}


def state(client, device, wanted: str) -> str:
    """The device's fw_state, as soon as it is `wanted`."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = client.get_latest_timeseries(device.id, keys="fw_state")["fw_state"][0].value
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def upload(client, profile, version: str, file: str):
    about = {"description": "made by a test"}
    info = SaveOtaPackageInfoRequest(
        title="thermo", version=version, type="FIRMWARE", device_profile_id=profile.id, additional_info=about
    )
    made = client.save_ota_package_info(info)
    return client.save_ota_package_data(made.id, "SHA256", file)


def tell(client, file: str) -> dict:
    saw = {"user": client.get_user().email}
    profile = client.save_device_profile(DeviceProfile(name="boards", type="DEFAULT", transport_type="DEFAULT"))
    device = client.save_device(Device(name="board-1", device_profile_id=profile.id), access_token="TOKEN-1")
    saw["token"] = client.get_device_credentials_by_device_id(device.id).credentials_id
    credentials = {"credentialsType": "ACCESS_TOKEN", "credentialsId": "TOKEN-2"}
    second = SaveDeviceWithCredentialsRequest(Device(name="board-2", device_profile_id=profile.id), credentials)
    second = client.save_device_with_credentials(second)
    saw["infos"] = [info.name for info in client.get_tenant_device_infos(10, 0, sort_property="name").data]

    first, better = upload(client, profile, "1.0.0", file), upload(client, profile, "1.1.0", file)
    saw["package"] = [first.has_data, first.data_size, first.checksum, first.checksum_algorithm, first.file_name]
    saw["twice"] = refused(upload, client, profile, "1.0.0", file)
    saw["found"] = [package.version for package in client.get_ota_packages(10, 0, text_search="THERMO").data]
    saw["for_profile"] = client.get_ota_packages_v1(profile.id, "FIRMWARE", 10, 0).total_elements
    saw["download"] = client.download_ota_package(first.id) == Path(file).read_bytes()

    profile.firmware_id = first.id
    profile = client.save_device_profile(profile)
    saw["by_profile"] = [state(client, device, "INITIATED"), attributes(client, device)["fw_version"]]
    device.firmware_id = better.id
    device = client.save_device(device)
    saw["by_device"] = [state(client, device, "INITIATED"), attributes(client, device)["fw_version"]]
    saw["others"] = client.count_by_device_profile_and_empty_ota_package("FIRMWARE", profile.id)
    history = client.get_timeseries(device.id, 0, 1 << 42, keys="fw_state", order_by="ASC")
    saw["history"] = [point.value for point in history["fw_state"]]

    saw["delete"] = [refused(client.delete_ota_package, package.id) for package in (first, better)]
    device.firmware_id = None
    device = client.save_device(device)
    saw["fallback"] = [state(client, device, "INITIATED"), attributes(client, device)["fw_version"]]
    profile.firmware_id = None
    client.save_device_profile(profile)
    saw["unassigned"] = attributes(client, device)
    for package in (first, better):
        client.delete_ota_package(package.id)
    client.delete_device(second.id)
    saw["left"] = [client.get_ota_packages(10, 0).total_elements, client.get_tenant_devices(10, 0).total_elements]
    return saw


def main(url: str, file: str) -> None:
    with RestClient(url) as client:
        client.login("tenant@thingsboard.org", "tenant")
        print(json.dumps(tell(client, file)))


if __name__ == "__main__":
    main(*sys.argv[1:])
