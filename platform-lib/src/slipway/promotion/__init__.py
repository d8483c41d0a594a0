"""How a release gets to where it runs: published as an image, proposed by a pull request, checked, and merged.

publish      makes the image (image: the server's image and one layer) and pushes it to the platform's registry
candidate    finds and verifies the release that is to be promoted
promote      one commit of two paths in a branch of the platform's Git, and its pull request
order        which release may go where; freeze: and when
change       an environment before and after; difference tells its manifests' difference in words
body         what the pull request says, from the release's proof, with pictures; message: what the commit says
check        holds a pull request (subject) against the rules, those of manifests among them
fetch        brings a release back out of its image
platform     knows where registry and Git are
"""
