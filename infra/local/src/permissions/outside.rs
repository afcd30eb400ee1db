//! What is asked outside the proxy: of services that are played elsewhere, and by the scheduler.

use std::collections::BTreeMap;

use super::calls::Ask;
use super::{OPERATOR, Permissions, Principal, Who, take};
use crate::callers::Caller;
use crate::template::ACCOUNT;

impl Permissions {
    /// What a caller asks of a service that is played outside the proxy.
    pub(crate) fn check_action(
        &self,
        caller: &Caller,
        action: &str,
        resources: &[String],
    ) -> Result<(), String> {
        if caller.function == OPERATOR {
            return Ok(());
        }
        let who = Who {
            function: caller.function.clone(),
            asker: Principal::Role(caller.role.clone()),
            tags: caller.tags.clone(),
        };
        let mut asks = resources.iter().map(|resource| Ask::new(action, resource));
        asks.try_for_each(|ask| self.judge(&who, &ask))
            .map_err(|refusal| refusal.message())
    }

    /// What the scheduler needs to run a schedule: a role that it may take and that may invoke the function.
    pub(crate) fn check_schedule(&self, name: &str) -> Result<(), String> {
        let Some(schedule) = self.rules.schedules.get(name) else {
            return Ok(());
        };
        let role = schedule
            .role
            .as_ref()
            .ok_or_else(|| format!("schedule {name} has no RoleArn"))?;
        let scheduler = Who {
            function: "scheduler".to_owned(),
            asker: Principal::Service("scheduler.amazonaws.com"),
            tags: BTreeMap::new(),
        };
        let who = Who {
            asker: Principal::Role(role.clone()),
            ..scheduler.clone()
        };
        let mut taken = take(role);
        taken.context.add("aws:SourceAccount", ACCOUNT);
        self.judge(&scheduler, &taken)
            .and_then(|()| self.judge(&who, &Ask::new("lambda:InvokeFunction", &schedule.function)))
            .map_err(|refusal| refusal.message())
    }
}
