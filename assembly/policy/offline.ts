// A cgroup is removed: onOffline(). Linux 6.18: its folios stay charged to it, a zombie. Debate 2.

/** After the kernel's own work of mem_cgroup_css_offline(): what becomes of the folios of `memcg`. */
export function onOffline(memcg: u32, parent: u32, cpu: u32): void {}
