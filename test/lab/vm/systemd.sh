# In the guest, as its first program: becomes systemd, which starts its journal and udev as on any
# machine, then the job, and nothing else of the host's services. Needs LAB_FOLDER.
units=/run/systemd/system
mkdir -p "$units"
cat >"$units/lab.target" <<'END'
[Unit]
Description=The lab
DefaultDependencies=no
Wants=systemd-journald.service systemd-udevd.service lab-job.service
END
cat >"$units/lab-job.service" <<END
[Unit]
Description=The job of the lab
DefaultDependencies=no
After=systemd-journald.service systemd-udevd.service

[Service]
Type=exec
ExecStart=/bin/sh $LAB_FOLDER/run-job.sh
StandardOutput=null
StandardError=null
KillMode=none
END
# What the host has set up to be started at boot is not wanted here, and takes minutes. The usual
# targets stay, for units that are started later.
for folder in \
  /etc/systemd/system \
  /usr/lib/systemd/system-generators \
  /usr/lib/systemd/system-environment-generators \
  /usr/lib/systemd/system/*.target.wants; do
  [ ! -d "$folder" ] || mount -t tmpfs none "$folder"
done
exec /lib/systemd/systemd --system --unit=lab.target
