# SPDX-License-Identifier: MIT
"""How the service says no: `{"status": "failure", "error_code": 104015, "description": "OTA image not found"}`.

Who is not logged in, or asks for what does not exist, does not get that far: there it is the gateway that answers, in
the way of Amazon API Gateway, `{"message": "Unauthorized"}`.
"""

from typing import Any

from simulator.clouds.rest.app import Refusal
from simulator.errors import UserError

# (status, number, text) by our code. The numbers and most of the texts are the service's.
_REFUSALS: dict[str, tuple[int, int, str]] = {
    "bad_request": (400, 100006, "Invalid request body"),
    "no_user_name": (400, 101001, "User name is missing"),
    "bad_password": (400, 101009, "Incorrect user name or password"),
    "bad_refresh_token": (400, 101017, "Refresh token failed"),
    # nodes
    "no_node_id": (400, 100009, "Node Id is missing"),
    "no_such_node": (400, 100010, "Node does not belong to user"),
    "no_params": (400, 102006, "Device reported state not found"),
    "node_offline": (400, 102001, "Node is offline"),
    # images
    "no_image_data": (400, 104001, "Base64 firmware image is missing"),
    "no_image_name": (400, 104002, "Image Name is missing"),
    "no_fw_version": (400, 104004, "Firmware version is missing"),
    "no_model": (400, 104005, "Model is missing"),
    "image_taken": (400, 104008, "OTA Image is associated with another OTA job, can't update"),
    "image_too_large": (400, 104010, "OTA Image size should be smaller than 5 mb"),
    "bad_base64": (400, 104011, "Invalid base64 firmware image"),
    "no_such_image": (400, 104015, "OTA image not found"),
    "image_used": (400, 104016, "OTA Image is associated with OTA job, can't be deleted"),
    "no_image_id": (400, 104018, "OTA Image Id is missing"),
    "image_in_use": (400, 104020, "OTA Image is associated with an active OTA job, can't be deleted"),
    "no_archive_flag": (400, 104022, "Archive flag missing"),
    "archived_already": (400, 104023, "OTA Image is already archived"),
    "not_archived": (400, 104024, "OTA Image is already unarchived"),
    "bad_archive_flag": (400, 104026, "Invalid archive flag. Enter one of [true, false]"),
    "upload_too_large": (400, 104030, "Error, the uploaded OTA image size was greater than the maximum supported size"),
    "not_uploaded": (400, 104032, "OTA image with the given Id not uploaded"),
    "no_image": (400, 104033, "Either OTA Image Id or OTA Image Url must be provided."),
    "image_archived": (400, 104034, "Error, OTA image is archived"),
    "bad_image_type": (400, 136006, "Invalid OTA image type specified. Valid values are firmware, package and raw"),
    # jobs
    "bad_name": (400, 105001, "OTA job name is missing"),
    "no_target": (400, 105002, "OTA nodeId or groupId is missing"),
    "job_exists": (400, 105005, "OTA job name already exists"),
    "no_such_job": (400, 105012, "OTA job not found"),
    "no_job_id": (400, 105014, "OTA Job Id is missing"),
    "job_not_active": (404, 105015, "Either Job is cancelled/expired or Job does not exists"),
    "too_many_groups": (400, 105028, "The request cannot include more than 10 groups"),
    "too_many_nodes": (400, 105029, "The request cannot include more than 100 nodes"),
    "job_not_archivable": (404, 105032, "Either Job is still active, or non-existent or already archived"),
    "target_conflict": (400, 105052, "Nodes and Groups can't be provided when creating a Dynamic OTA job"),
    "bad_priority": (400, 105054, "Please use a valid priority for OTA, i.e between 1 to 10."),
    "bad_timeout": (400, 105055, "Invalid timeout specified, Maximum timeout is 30 days"),
    "timeout_with_approval": (400, 105056, "OTA Job can have timeout only if OTA is not a user_approval job"),
    "notify_without_approval": (400, 105057, "OTA Job can be notified to users only if user_approval flag is true"),
    "access_without_approval": (400, 105073, "User ota image access cannot be specified for non user approval jobs"),
    "no_task_duration": (400, 105074, "Job task duration is missing for Network Serialised job."),
    "bad_serialisation": (400, 105075, "Min and Max wait durations must be specified together, or not at all."),
    "approval_job": (400, 105079, "User Approval Jobs cannot be retriggered"),
    "not_retriggerable": (400, 105081, "Cannot retrigger a non active job"),
    # a user's or a node's own
    "no_node_id_for_job": (400, 105018, "NodeId is missing"),
    "no_status": (404, 105024, "OTA status not found"),
    "not_for_node": (400, 105036, "OTA Job is not associated with the node"),
    "not_approvable": (400, 105061, "Invalid OTA job specified. Please re-check the available OTA job."),
    "no_network_id": (400, 105076, "NetworkID unreported by node. Latest Job is network serialised. Cannot proceed."),
    "network_busy": (423, 105078, "Cannot push OTA job to node right now due to too much traffic. Try again later."),
}
_GATEWAY = {"no_login": (401, "Unauthorized"), "token_expired": (401, "Unauthorized")}
_NO_SUCH_PATH = (403, "Missing Authentication Token")  # that is what it says
_TOO_LONG = (413, "Request Too Long")


def refuse(refusal: Refusal, now_ms: int) -> tuple[int, dict[str, Any]]:
    """Status and JSON."""
    if not isinstance(refusal, UserError):
        status, message = _TOO_LONG if refusal.status == 413 else _NO_SUCH_PATH
        return status, {"message": message}
    if refusal.code in _GATEWAY:
        status, message = _GATEWAY[refusal.code]
        return status, {"message": message}
    return failure(refusal)


def failure(error: UserError) -> tuple[int, dict[str, Any]]:
    """A refusal of the service itself. What it has no number for is an invalid request, in our words."""
    status, number, text = _REFUSALS.get(error.code, (400, 100006, error.text))
    return status, {"status": "failure", "error_code": number, "description": text}
