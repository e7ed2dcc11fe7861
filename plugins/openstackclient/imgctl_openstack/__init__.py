"""The commands of imgctl as commands of OpenStackClient."""
