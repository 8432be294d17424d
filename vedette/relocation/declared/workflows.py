"""Detectors, conditions and workflows, which succeed the older alerts.

Of most columns only the foreign keys are known; the others are kept as they come.

Source: the relocation specification, 5.3, 5.5 and appendix A.
"""

from vedette.core.relocation import Generation, Relocation, Silo
from vedette.relocation.declared.scopes import ORGANIZATION

DECLARED = (
    Relocation(
        "workflow_engine.alertruledetector",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="alert_rule>alertrule? detector>workflow_engine.detector rule>rule?",
        uniques="{alert_rule,detector} {detector,rule}",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.alertruletriggerdatacondition",
        Silo.REGION,
        ORGANIZATION,
        keys="alert_rule_trigger>alertruletrigger data_condition>workflow_engine.datacondition",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.alertruleworkflow",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="alert_rule>alertrule? rule>rule? workflow>workflow_engine.workflow",
        uniques="{alert_rule,workflow} {rule,workflow}",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.datacondition",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="condition_group>workflow_engine.dataconditiongroup",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.dataconditiongroup",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="organization>organization",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.datasource",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d source_id:s",
        keys="organization>organization",
        compared="date-updated: date_updated date_added",
        sanitised="safe: source_id",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.datasourcedetector",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="data_source>workflow_engine.datasource detector>workflow_engine.detector",
        uniques="{data_source,detector}",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.detector",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d name:s",
        keys=(
            "created_by_id~>user? organization>organization? owner_team>team? owner_user_id~>user? project>project? "
            "workflow_condition_group>workflow_engine.dataconditiongroup?"
        ),
        uniques="{name,organization} {workflow_condition_group}",
        compared="date-updated: date_updated date_added",
        sanitised="name: name",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.detectorworkflow",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="detector>workflow_engine.detector workflow>workflow_engine.workflow",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.workflow",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d name:s",
        keys=(
            "created_by_id~>user? environment>environment? organization>organization owner_team>team? "
            "owner_user_id~>user? when_condition_group>workflow_engine.dataconditiongroup?"
        ),
        uniques="{name,organization}",
        compared="date-updated: date_updated date_added",
        sanitised="name: name",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.workflowdataconditiongroup",
        Silo.REGION,
        ORGANIZATION,
        columns="date_added:d date_updated:d",
        keys="condition_group>workflow_engine.dataconditiongroup workflow>workflow_engine.workflow",
        uniques="{condition_group}",
        compared="date-updated: date_updated date_added",
        since=Generation.EARLY_2025,
    ),
    Relocation(
        "workflow_engine.workflowgroupstatus",
        Silo.REGION,
        ORGANIZATION,
        keys="group>group workflow>workflow_engine.workflow",
        uniques="{group,workflow}",
        since=Generation.EARLY_2025,
    ),
)
